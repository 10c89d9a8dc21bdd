// The many ways in which people type one question: polite words, capital letters, punctuation.

const prefixes = {
  zh: [
    "请问",
    "你好，",
    "请告诉我，",
    "问一下，",
    "我想知道，",
    "想问你，",
    "嗨，",
    "麻烦问一下，",
    "那么，",
    "哎，",
    "请问一下，",
    "对了，",
    "我想问问，",
    "你好！",
    "快告诉我，",
    "请回答：",
    "顺便问一下，",
  ],
  en: [
    "Hi, ",
    "Hello! ",
    "Hey, ",
    "Excuse me, ",
    "Tell me, ",
    "Quick question: ",
    "One more thing: ",
    "Well, ",
    "By the way, ",
    "Please tell me, ",
    "Do you know, ",
    "I wonder, ",
    "Now, ",
    "Hello, ",
    "Question: ",
    "Just curious, ",
  ],
};
const isQuestion = {
  zh: /什么|谁|吗|哪|几|多少|怎|如何|是不是|有没有|啥|呢|贵姓|对吗|等于|多大/,
  en: /^(who|what|which|where|when|why|how|is|are|aren't|do|does|did|can|could|may|would|will|were|was|am|have|has|whose|at|by|name|and|so|should|any)\b/i,
};

/** A question as somebody might type it. `plain` keeps prefixes away, for greetings and the like. */
export function phrase(random, question, language, plain = false) {
  const asks = isQuestion[language].test(question);
  const prefix = !plain && random.chance(0.25) ? random.pick(prefixes[language]) : "";
  const text = language === "en" ? capitalised(random, question, prefix) : prefix + question;
  if (/[?？。.!！]$/.test(text)) return text;
  return text + ending(random, asks, language, question);
}

function capitalised(random, question, prefix) {
  const upper = question.charAt(0).toUpperCase() + question.slice(1);
  if (prefix === "") return random.chance(0.75) ? upper : question;
  return prefix.endsWith(", ") ? prefix + question : prefix + (random.chance(0.6) ? upper : question);
}

function ending(random, asks, language, question) {
  const roll = random.next();
  if (language === "en")
    return asks ? (roll < 0.75 ? "?" : roll < 0.95 ? "" : "??") : roll < 0.45 ? "." : roll < 0.85 ? "" : "!";
  if (!asks) return roll < 0.35 ? "。" : roll < 0.8 ? "" : "！";
  const softened = /[吗呢吧呀]$|对吗$/.test(question) ? "？" : random.pick(["呢？", "呀？", "啊？"]);
  return roll < 0.6 ? "？" : roll < 0.68 ? "?" : roll < 0.88 ? "" : softened;
}
