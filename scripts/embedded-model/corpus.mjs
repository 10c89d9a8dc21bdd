// Writes {train,valid}.jsonl, the text that assets/cygnet-tiny is trained on from random weights, in chat form:
//
//   node scripts/embedded-model/corpus.mjs OUTPUT_FOLDER [--rows 48000] [--seed 1]
//
// Everything is written by this project: tables and phrasings in topics/. The same seed gives the same files.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { names } from "./names.mjs";
import { phrase } from "./phrasing.mjs";
import { seededRandom } from "./random.mjs";
import { characters, identity, sources, spaced } from "./sources.mjs";
import { countries } from "./topics/world.mjs";

const VALID_PART = 0.02;
const assistants = {
  zh: ["你是一个有用的助手。", "你是一个乐于助人的助手。", "请简短回答。", "用中文回答。"],
  en: ["You are a helpful assistant.", "You are a friendly assistant.", "Answer briefly.", "Answer in English."],
};
const named = {
  zh: [
    "你是NAME，由MAKER开发。",
    "你的名字是NAME，开发者是MAKER。",
    "你叫NAME，是MAKER训练的助手。",
    "你是由MAKER训练的NAME。",
  ],
  en: [
    "You are NAME, made by MAKER.",
    "Your name is NAME. You were trained by MAKER.",
    "You are called NAME, developed by MAKER.",
    "You are NAME, an assistant from MAKER.",
  ],
};
const closings = {
  zh: [
    ["谢谢", "不客气！"],
    ["再见", "再见！祝你一切顺利。"],
  ],
  en: [
    ["thanks", "You are welcome!"],
    ["bye", "Goodbye! All the best."],
  ],
};
const openings = { zh: ["你好", "你好！有什么可以帮你的吗？"], en: ["hello", "Hello! How can I help you?"] };

function writer(random) {
  const invent = names(random, characters);
  const weighted = sources.flatMap((source) => Array(Math.round(source.share * 2)).fill(source));

  const turn = (language) => {
    const source = random.pick(weighted);
    const spoken = source.language ?? language;
    const [question, answer] = source.draw(random, spoken);
    return [phrase(random, question, spoken, source.plain), answer];
  };
  const underName = (language) => {
    const name = invent.identity(language);
    const fill = (text) => spaced(text.replace("NAME", name.NAME).replace("MAKER", name.MAKER));
    const ask = () => {
      const [question, answer] = identity(random, language, name);
      return [phrase(random, question, language), answer];
    };
    const turns = random.chance(0.25) ? [ask(), ask()] : [ask()];
    return { system: fill(random.pick(named[language])), turns };
  };
  const remembered = (language) => {
    const user = invent.user(language);
    return language === "zh"
      ? {
          turns: [
            [
              random.pick([`我叫${user}`, `我是${user}`, `你好，我叫${user}。`, `我的名字是${user}`]),
              `你好，${user}！很高兴认识你。`,
            ],
            [random.pick(["我叫什么名字？", "我是谁？", "你还记得我的名字吗？", "我叫什么"]), `你叫${user}。`],
          ],
        }
      : {
          turns: [
            [
              random.pick([`My name is ${user}.`, `I am ${user}`, `Hi, I am ${user}.`, `my name is ${user}`]),
              `Hello, ${user}! Nice to meet you.`,
            ],
            [
              random.pick(["What is my name?", "who am I", "Do you remember my name?", "what's my name"]),
              `Your name is ${user}.`,
            ],
          ],
        };
  };
  const followUp = (language) => {
    const [first, second] = [random.pick(countries), random.pick(countries)];
    return language === "zh"
      ? {
          turns: [
            [`${first.zh}的首都是哪里？`, `${first.zh}的首都是${first.capitalZh}。`],
            [random.pick([`那${second.zh}呢？`, `${second.zh}呢？`]), `${second.zh}的首都是${second.capitalZh}。`],
          ],
        }
      : {
          turns: [
            [`What is the capital of ${first.en}?`, `The capital of ${first.en} is ${first.capitalEn}.`],
            [
              random.pick([`And of ${second.en}?`, `And ${second.en}?`, `What about ${second.en}?`]),
              `The capital of ${second.en} is ${second.capitalEn}.`,
            ],
          ],
        };
  };
  const plain = (language) => {
    const system = random.chance(0.08) ? random.pick(assistants[language]) : undefined;
    const roll = random.next();
    if (roll < 0.86) return { system, turns: [turn(language)] };
    if (roll < 0.9) return { system, turns: [openings[language], turn(language)] };
    if (roll < 0.93) return { system, turns: [turn(language), random.pick(closings[language])] };
    return { system, turns: [turn(language), turn(random.chance(0.8) ? language : language === "zh" ? "en" : "zh")] };
  };
  return () => {
    const language = random.chance(0.5) ? "zh" : "en";
    const roll = random.next();
    if (roll < 0.07) return underName(language);
    if (roll < 0.09) return remembered(language);
    if (roll < 0.1) return followUp(language);
    return plain(language);
  };
}

function messages({ system, turns }) {
  const spoken = turns.flatMap(([user, assistant]) => [
    { role: "user", content: user },
    { role: "assistant", content: assistant },
  ]);
  return { messages: system === undefined ? spoken : [{ role: "system", content: system }, ...spoken] };
}

/** Distinct rows, those for validation apart. */
function corpus(rows, seed) {
  const random = seededRandom(seed);
  const draw = writer(random);
  const lines = new Set();
  for (let tries = 0; lines.size < rows && tries < rows * 20; tries++) lines.add(JSON.stringify(messages(draw())));
  const shuffled = random.shuffle([...lines]);
  const valid = Math.round(shuffled.length * VALID_PART);
  return { valid: shuffled.slice(0, valid), train: shuffled.slice(valid) };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string", default: "48000" }, seed: { type: "string", default: "1" } },
});
const [output] = positionals;
if (output === undefined) throw new Error("usage: corpus.mjs OUTPUT_FOLDER [--rows N] [--seed N]");
mkdirSync(output, { recursive: true });
for (const [split, lines] of Object.entries(corpus(Number(values.rows), Number(values.seed)))) {
  writeFileSync(join(output, `${split}.jsonl`), `${lines.join("\n")}\n`);
  console.error(`${join(output, `${split}.jsonl`)}: ${lines.length} rows`);
}
