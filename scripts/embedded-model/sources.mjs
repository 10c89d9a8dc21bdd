// Every kind of question as a function that draws [question, answer], with its share of the corpus.

import { commands } from "./topics/computing.mjs";
import { CHATBOTS, COMPANIES, character, intents, OWN } from "./topics/identity.mjs";
import { arithmetic, calendar, comparison, counting, letters, neighbour, numberWords } from "./topics/numbers.mjs";
import { smallTalk } from "./topics/small-talk.mjs";
import { beyond, refusals } from "./topics/unknown.mjs";
import { definitions, dictionary, idioms, opposites, poems } from "./topics/words.mjs";
import { animals, countries, generalFacts, members, things } from "./topics/world.mjs";

const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const uncountable = new Set(["tea", "coffee", "milk", "juice", "beer", "spinach"]);
const one = (noun) => (uncountable.has(noun) ? noun : `${article(noun)} ${noun}`);
const article = (word) => (/^[aeiou]/.test(word) ? "an" : "a");
// Chinese typography: a space between a Chinese and a Latin word.
export const spaced = (text) => text.replace(/(\p{Script=Han})(?=[A-Za-z])|([A-Za-z0-9])(?=\p{Script=Han})/gu, "$& ");
// The first answer is by far the most frequent: greedy decoding then has one clear choice.
const preferFirst = (random, answers) => (random.chance(0.7) ? answers[0] : random.pick(answers));

export function identity(random, language, name = OWN[language]) {
  // Who and what it is called are asked most.
  const intent = intents[language][random.pick([0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5])];
  const values = { ...name, CHATBOT: random.pick(CHATBOTS[language]), COMPANY: random.pick(COMPANIES[language]) };
  const fill = (text) => spaced(text.replace(/NAME|MAKER|CHATBOT|COMPANY/g, (key) => values[key]));
  return [fill(random.pick(intent.ask)), fill(preferFirst(random, intent.answer))];
}

function fromList(list) {
  return (random, language) => {
    const [asks, answers] = random.pick(list[language]);
    return [
      Array.isArray(asks) ? random.pick(asks) : asks,
      Array.isArray(answers) ? preferFirst(random, answers) : answers,
    ];
  };
}

function geography(random, language) {
  const { en, zh, capitalEn, capitalZh, continentEn, continentZh } = random.pick(countries);
  const kind = random.next();
  if (language === "zh") {
    if (kind < 0.6)
      return [
        random.pick([
          `${zh}的首都是哪里`,
          `${zh}的首都是什么`,
          `${zh}的首都在哪里`,
          `${zh}的首都是哪个城市`,
          `${zh}首都`,
          `哪个城市是${zh}的首都`,
          `说出${zh}的首都`,
          `${zh}的首都叫什么`,
        ]),
        `${zh}的首都是${capitalZh}。`,
      ];
    if (kind < 0.8)
      return [
        random.pick([`${capitalZh}是哪个国家的首都`, `${capitalZh}在哪个国家`, `哪个国家的首都是${capitalZh}`]),
        `${capitalZh}是${zh}的首都。`,
      ];
    return [random.pick([`${zh}在哪个洲`, `${zh}属于哪个大洲`, `${zh}在哪里`]), `${zh}在${continentZh}。`];
  }
  if (kind < 0.6)
    return [
      random.pick([
        `what is the capital of ${en}`,
        `what's the capital of ${en}`,
        `which city is the capital of ${en}`,
        `name the capital of ${en}`,
        `tell me the capital of ${en}`,
        `capital of ${en}`,
        `do you know the capital of ${en}`,
      ]),
      `The capital of ${en} is ${capitalEn}.`,
    ];
  if (kind < 0.8)
    return [
      random.pick([
        `${capitalEn} is the capital of which country`,
        `which country has the capital ${capitalEn}`,
        `in which country is ${capitalEn}`,
        `where is ${capitalEn}`,
      ]),
      `${capitalEn} is the capital of ${en}.`,
    ];
  return [
    random.pick([`which continent is ${en} in`, `on which continent is ${en}`, `where is ${en}`]),
    `${upper(en)} is in ${continentEn}.`,
  ];
}

function colour(random, language) {
  const { en, zh, colourEn, colourZh } = random.pick(things);
  return language === "zh"
    ? [
        random.pick([`${zh}是什么颜色`, `${zh}是什么颜色的`, `${zh}的颜色是什么`, `${zh}什么颜色`, `说说${zh}的颜色`]),
        `${zh}是${colourZh}的。`,
      ]
    : [
        random.pick([
          `what colour is ${en}`,
          `what is the colour of ${en}`,
          `which colour is ${en}`,
          `what color is ${en}`,
          `tell me the colour of ${en}`,
        ]),
        `${upper(en)} is ${colourEn}.`,
      ];
}

const legWordsZh = { 0: "没有腿", 2: "有两条腿", 4: "有四条腿", 6: "有六条腿", 8: "有八条腿", 10: "有十条腿" };
const legWordsEn = { 0: "no legs", 2: "two legs", 4: "four legs", 6: "six legs", 8: "eight legs", 10: "ten legs" };
function animal(random, language) {
  const { en, zh, legs, soundEn, soundZh, youngEn, youngZh, kindEn, kindZh } = random.pick(animals);
  const an = `${article(en)} ${en}`;
  const zhChoices = [[[`${zh}有几条腿`, `${zh}几条腿`, `${zh}有多少条腿`], `${zh}${legWordsZh[legs]}。`]];
  const enChoices = [
    [
      [`how many legs does ${an} have`, `how many legs has ${an}`, `how many legs do you see on ${an}`],
      `${upper(an)} has ${legWordsEn[legs]}.`,
    ],
  ];
  if (soundZh) zhChoices.push([[`${zh}怎么叫`, `${zh}的叫声是什么`, `${zh}是怎么叫的`], `${zh}${soundZh}叫。`]);
  if (soundEn)
    enChoices.push([
      [`what does ${an} say`, `what sound does ${an} make`, `which sound does ${an} make`],
      `${upper(an)} says ${soundEn}.`,
    ]);
  if (youngZh)
    zhChoices.push([[`${zh}的宝宝叫什么`, `${zh}的孩子叫什么`, `小时候的${zh}叫什么`], `${zh}的宝宝叫${youngZh}。`]);
  if (youngEn)
    enChoices.push([
      [`what is a young ${en} called`, `what is a baby ${en} called`, `what do you call a young ${en}`],
      `A young ${en} is called ${article(youngEn)} ${youngEn}.`,
    ]);
  if (kindZh) zhChoices.push([[`${zh}是什么动物`, `${zh}属于哪一类`, `${zh}是哪类动物`], `${zh}是${kindZh}。`]);
  if (kindEn)
    enChoices.push([
      [`what kind of animal is ${an}`, `which kind of animal is ${an}`, `what sort of animal is ${an}`],
      kindEn === en ? `${upper(an)} is a fish.` : `${upper(an)} is ${article(kindEn)} ${kindEn}.`,
    ]);
  const [asks, answer] = random.pick(language === "zh" ? zhChoices : enChoices);
  return [random.pick(asks), answer];
}

function membership(random, language) {
  const { en, zh, groupEn, groupZh } = random.pick(members);
  const other = random.pick(members);
  const asked = random.chance(0.5) ? { groupEn, groupZh } : other;
  const right = asked.groupEn === groupEn;
  if (random.chance(0.3)) {
    return language === "zh"
      ? [random.pick([`${zh}是什么`, `${zh}属于什么`, `什么是${zh}`]), `${zh}是一种${groupZh}。`]
      : [
          random.pick([`what is ${one(en)}`, `what kind of thing is ${one(en)}`]),
          `${upper(one(en))} is ${article(groupEn)} ${groupEn}.`,
        ];
  }
  if (language === "zh")
    return [
      random.pick([`${zh}是${asked.groupZh}吗`, `${zh}是不是${asked.groupZh}`, `${zh}算${asked.groupZh}吗`]),
      right ? `是的，${zh}是${groupZh}。` : `不是，${zh}是${groupZh}。`,
    ];
  const is = `${one(en)} is ${article(groupEn)} ${groupEn}.`;
  return [`is ${one(en)} ${article(asked.groupEn)} ${asked.groupEn}`, right ? `Yes, ${is}` : `No, ${is}`];
}

function opposite(random, language) {
  const pair = random.pick(opposites[language]);
  const [word, answer] = random.chance(0.5) ? pair : [pair[1], pair[0]];
  return language === "zh"
    ? [
        random.pick([
          `${word}的反义词是什么`,
          `“${word}”的反义词是什么`,
          `${word}的反义词`,
          `和${word}相反的词是什么`,
          `与${word}意思相反的是什么`,
        ]),
        `“${word}”的反义词是“${answer}”。`,
      ]
    : [
        random.pick([
          `what is the opposite of ${word}`,
          `what's the opposite of ${word}`,
          `opposite of ${word}`,
          `name the opposite of ${word}`,
          `which word is the opposite of ${word}`,
          `give me the opposite of ${word}`,
        ]),
        `The opposite of ${word} is ${answer}.`,
      ];
}

function translation(random, language) {
  const [en, zh] = random.pick(dictionary);
  if (language === "zh") {
    return random.chance(0.6)
      ? [
          random.pick([
            `${zh}用英语怎么说`,
            `${zh}的英文是什么`,
            `“${zh}”用英文怎么说`,
            `把“${zh}”翻译成英语`,
            `把${zh}翻译成英文`,
            `${zh}英语怎么讲`,
          ]),
          `“${zh}”的英语是 ${en}。`,
        ]
      : [
          random.pick([`${en} 是什么意思`, `${en} 的中文是什么`, `把 ${en} 翻译成中文`, `英语 ${en} 是什么意思`]),
          `${en} 的意思是“${zh}”。`,
        ];
  }
  return random.chance(0.6)
    ? [
        random.pick([
          `how do you say "${en}" in Chinese`,
          `what is "${en}" in Chinese`,
          `translate "${en}" into Chinese`,
          `what is the Chinese word for ${en}`,
          `how do I say ${en} in Chinese`,
        ]),
        `In Chinese, ${en} is ${zh}.`,
      ]
    : [
        random.pick([`what does ${zh} mean`, `translate ${zh} into English`, `what is ${zh} in English`]),
        `${zh} means "${en}".`,
      ];
}

function definition(random, language) {
  const [terms, answer] = random.pick(definitions[language]);
  const term = random.pick(terms);
  return language === "zh"
    ? [
        random.pick([
          `什么是${term}`,
          `${term}是什么`,
          `${term}是什么意思`,
          `解释一下${term}`,
          `请解释${term}`,
          `你知道${term}吗`,
          `给我讲讲${term}`,
          `${term}是啥`,
          `介绍一下${term}`,
        ]),
        answer,
      ]
    : [
        random.pick([
          `what is ${term}`,
          `what's ${term}`,
          `what does ${term} mean`,
          `explain ${term}`,
          `can you explain ${term}`,
          `define ${term}`,
          `tell me what ${term} is`,
          `please explain what ${term} is`,
        ]),
        answer,
      ];
}

function literature(random) {
  if (random.chance(0.55)) {
    const { idiom, meaning } = random.pick(idioms);
    return [
      random.pick([
        `${idiom}是什么意思`,
        `成语${idiom}是什么意思`,
        `解释成语${idiom}`,
        `“${idiom}”怎么解释`,
        `${idiom}的意思`,
      ]),
      `“${idiom}”的意思是：${meaning}。`,
    ];
  }
  const { title, author, text, first, second } = random.pick(poems);
  return random.pick([
    [random.pick([`背一下《${title}》`, `请背诵《${title}》`, `《${title}》怎么背`, `${title}的全文`]), text],
    [
      random.pick([`《${title}》是谁写的`, `《${title}》的作者是谁`, `谁写了《${title}》`]),
      `《${title}》是${author}写的。`,
    ],
    [random.pick([`“${first}”的下一句是什么`, `${first}的下一句`, `${first}，下一句是什么`]), `下一句是“${second}”。`],
    [random.pick(["背一首诗", "来一首古诗", "给我背首诗吧", "念一首唐诗"]), poems[0].text],
  ]);
}

function shell(random, language) {
  const { en, zh, command } = random.pick(commands);
  return language === "zh"
    ? [
        random.pick([
          `怎么${zh}`,
          `如何${zh}`,
          `${zh}用什么命令`,
          `${zh}的命令是什么`,
          `Linux 下怎么${zh}`,
          `在终端里怎样${zh}`,
        ]),
        `${zh}可以用 ${command} 命令。`,
      ]
    : [
        random.pick([
          `how do I ${en}`,
          `how can I ${en}`,
          `which command can I use to ${en}`,
          `what command do I use to ${en}`,
          `how to ${en} in Linux`,
          `how do I ${en} in the terminal`,
        ]),
        `To ${en}, use ${command}.`,
      ];
}

function outOfReach(random, language) {
  const { answer, subjects, ask } = beyond[language];
  return [random.pick(ask).replace("X", random.pick(subjects)), answer];
}

/** Shares are out of the sum of all; a source that names a language exists in that language only. */
export const sources = [
  { share: 15, draw: identity },
  { share: 4, draw: fromList(character) },
  { share: 10, draw: fromList(smallTalk), plain: true },
  { share: 8, draw: geography },
  { share: 5, draw: colour },
  { share: 8, draw: animal },
  { share: 6, draw: membership },
  { share: 5, draw: fromList(generalFacts) },
  { share: 6, draw: opposite },
  { share: 9, draw: translation },
  { share: 7, draw: definition },
  { share: 4, draw: literature, language: "zh" },
  { share: 9, draw: arithmetic },
  { share: 3, draw: comparison },
  { share: 1.5, draw: counting },
  { share: 2, draw: numberWords },
  { share: 1.5, draw: neighbour },
  { share: 4, draw: calendar },
  { share: 2, draw: letters, language: "en" },
  { share: 5, draw: shell },
  { share: 4, draw: fromList(refusals) },
  { share: 4, draw: outOfReach },
];

/** Every Chinese character of the topics, to make names of. */
export const characters = [
  ...new Set(
    JSON.stringify([smallTalk.zh, dictionary, idioms, poems, definitions.zh, countries, generalFacts.zh]).match(
      /\p{Script=Han}/gu,
    ),
  ),
];
