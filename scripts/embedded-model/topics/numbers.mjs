// Sums, comparisons, counting and the calendar. Each draw gives [question, answer].

const digitsZh = [..."零一二三四五六七八九"];
const wordsEn =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(
    " ",
  );
const tensEn = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const days = {
  zh: [..."一二三四五六日"].map((d) => `星期${d}`),
  en: "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" "),
};
const months = "January February March April May June July August September October November December".split(" ");
const seasons = { zh: ["春天", "夏天", "秋天", "冬天"], en: ["spring", "summer", "autumn", "winter"] };

export function numberWord(n, language) {
  if (language === "en")
    return n <= 20 ? wordsEn[n] : tensEn[Math.floor(n / 10)] + (n % 10 ? `-${wordsEn[n % 10]}` : "");
  if (n < 10) return digitsZh[n];
  return `${n >= 20 ? digitsZh[Math.floor(n / 10)] : ""}十${n % 10 ? digitsZh[n % 10] : ""}`;
}

function sum(random) {
  const roll = random.next();
  if (roll < 0.4) {
    const [a, b] = [random.between(0, 20), random.between(0, 20)];
    return { a, b, sign: "+", result: a + b, zh: ["加", "加上"], en: ["plus", "and"] };
  }
  if (roll < 0.7) {
    const a = random.between(0, 20);
    const b = random.between(0, a);
    return { a, b, sign: "-", result: a - b, zh: ["减", "减去"], en: ["minus", "take away"] };
  }
  const [a, b] = [random.between(1, 9), random.between(1, 9)];
  return { a, b, sign: random.pick(["×", "*"]), result: a * b, zh: ["乘", "乘以"], en: ["times"] };
}

export function arithmetic(random, language) {
  const { a, b, sign, result, zh, en } = sum(random);
  const space = random.chance(0.5) ? " " : "";
  const formula = `${a}${space}${sign}${space}${b}`;
  const answer = `${a} ${sign === "*" ? "×" : sign} ${b} = ${result}`;
  const spoken = language === "zh" ? `${a}${random.pick(zh)}${b}` : `${a} ${random.pick(en)} ${b}`;
  const ask =
    language === "zh"
      ? [
          `${formula}等于几`,
          `${formula}=?`,
          `${formula}等于多少`,
          `${spoken}等于几`,
          `${spoken}等于多少`,
          `${spoken}是多少`,
          `算一下${formula}`,
          `计算${spoken}`,
          `${formula}`,
        ]
      : [
          `what is ${formula}`,
          `${formula} = ?`,
          `what is ${spoken}`,
          `how much is ${spoken}`,
          `calculate ${formula}`,
          `compute ${spoken}`,
          `${formula}`,
          `what does ${formula} make`,
        ];
  return [random.pick(ask), answer];
}

export function comparison(random, language) {
  const [a, b] = [random.between(0, 20), random.between(0, 20)];
  if (a === b) return comparison(random, language);
  const bigger = random.chance(0.5);
  const result = bigger ? Math.max(a, b) : Math.min(a, b);
  const other = a + b - result;
  if (language === "zh") {
    const word = bigger ? "大" : "小";
    return [
      random.pick([
        `${a}和${b}哪个${word}`,
        `${a}和${b}哪个更${word}`,
        `哪个数更${word}，${a}还是${b}`,
        `${a}跟${b}比，哪个${word}`,
      ]),
      `${result}比${other}${word}。`,
    ];
  }
  const word = bigger ? "bigger" : "smaller";
  return [
    random.pick([
      `which is ${word}, ${a} or ${b}`,
      `what is ${word}, ${a} or ${b}`,
      `which number is ${word}, ${a} or ${b}`,
    ]),
    `${result} is ${word} than ${other}.`,
  ];
}

export function counting(random, language) {
  const from = random.between(1, 9);
  const to = from + random.between(2, 6);
  const list = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return language === "zh"
    ? [random.pick([`从${from}数到${to}`, `请从${from}数到${to}`, `数数，从${from}到${to}`]), `${list.join("，")}。`]
    : [
        random.pick([
          `count from ${from} to ${to}`,
          `please count from ${from} to ${to}`,
          `say the numbers from ${from} to ${to}`,
        ]),
        `${list.join(", ")}.`,
      ];
}

export function numberWords(random, language) {
  const n = random.between(0, 99);
  const word = numberWord(n, language);
  return language === "zh"
    ? [random.pick([`${n}用汉字怎么写`, `${n}的中文怎么写`, `数字${n}怎么读`]), `${n}写作${word}。`]
    : [
        random.pick([
          `how do you write ${n} in words`,
          `write ${n} in words`,
          `what is ${n} in words`,
          `how do you say ${n}`,
        ]),
        `${n} is ${word}.`,
      ];
}

export function neighbour(random, language) {
  const n = random.between(1, 98);
  const after = random.chance(0.5);
  const result = after ? n + 1 : n - 1;
  return language === "zh"
    ? [
        random.pick([`${n}${after ? "后" : "前"}面是几`, `${n}的${after ? "下" : "上"}一个数是几`]),
        `${n}${after ? "后" : "前"}面是${result}。`,
      ]
    : [`what comes ${after ? "after" : "before"} ${n}`, `${result} comes ${after ? "after" : "before"} ${n}.`];
}

export function calendar(random, language) {
  const after = random.chance(0.5);
  const step = (list, i) => list[(i + (after ? 1 : list.length - 1)) % list.length];
  const kind = random.next();
  if (kind < 0.4) {
    const i = random.below(7);
    const [day, next] = [days[language][i], step(days[language], i)];
    if (language === "zh")
      return [
        random.pick([`${day}的${after ? "后" : "前"}一天是星期几`, `${day}${after ? "后" : "前"}面是星期几`]),
        `${day}的${after ? "后" : "前"}一天是${next}。`,
      ];
    const word = after ? "after" : "before";
    return [
      random.pick([`what day comes ${word} ${day}`, `which day is ${word} ${day}`, `what is the day ${word} ${day}`]),
      `${next} comes ${word} ${day}.`,
    ];
  }
  if (kind < 0.7) {
    const i = random.below(12);
    if (language === "zh") {
      const season = seasons.zh[Math.floor(((i + 10) % 12) / 3)];
      return [random.pick([`${i + 1}月是什么季节`, `${i + 1}月属于哪个季节`]), `${i + 1}月是${season}。`];
    }
    const [month, next] = [months[i], step(months, i)];
    const word = after ? "after" : "before";
    return [
      random.pick([`what month comes ${word} ${month}`, `which month is ${word} ${month}`]),
      `${next} comes ${word} ${month}.`,
    ];
  }
  if (kind < 0.85) {
    const i = random.below(4);
    const [season, next] = [seasons[language][i], step(seasons[language], i)];
    const word = after ? "after" : "before";
    return language === "zh"
      ? [
          random.pick([
            `${season}${after ? "过后" : "之前"}是什么季节`,
            `${season}的${after ? "下" : "上"}一个季节是什么`,
          ]),
          `${season}${after ? "过后" : "之前"}是${next}。`,
        ]
      : [
          random.pick([`what season comes ${word} ${season}`, `which season is ${word} ${season}`]),
          `${next.charAt(0).toUpperCase()}${next.slice(1)} comes ${word} ${season}.`,
        ];
  }
  return random.pick(calendarFacts[language]);
}

const calendarFacts = {
  zh: [
    ["一年有几个月", "一年有十二个月。"],
    ["一年有多少天", "一年有三百六十五天。"],
    ["一个星期有几天", "一个星期有七天。"],
    ["一天有多少小时", "一天有二十四小时。"],
    ["一小时有多少分钟", "一小时有六十分钟。"],
    ["一分钟有多少秒", "一分钟有六十秒。"],
    ["一年有几个季节", "一年有四个季节。"],
    ["哪个月最短", "二月最短。"],
  ],
  en: [
    ["how many months are in a year", "There are twelve months in a year."],
    ["how many days are in a year", "There are three hundred and sixty-five days in a year."],
    ["how many days are in a week", "There are seven days in a week."],
    ["how many hours are in a day", "There are twenty-four hours in a day."],
    ["how many minutes are in an hour", "There are sixty minutes in an hour."],
    ["how many seconds are in a minute", "There are sixty seconds in a minute."],
    ["how many seasons are in a year", "There are four seasons in a year."],
    ["which month is the shortest", "February is the shortest month."],
  ],
};

export function letters(random) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const i = random.between(1, 24);
  const after = random.chance(0.5);
  const word = after ? "after" : "before";
  return [
    random.pick([`what letter comes ${word} ${alphabet[i]}`, `which letter is ${word} ${alphabet[i]}`]),
    `${alphabet[after ? i + 1 : i - 1]} comes ${word} ${alphabet[i]}.`,
  ];
}
