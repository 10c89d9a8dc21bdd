// Made-up names of assistants, makers and users. A system message gives them, so that the model learns to
// speak of itself under any name, spelled from any bytes.

const consonants = "b c d f g h j k l m n p r s t v w z br cl dr fl gr pl st tr sh ch th".split(" ");
const vowels = "a e i o u ai ee oo ia y".split(" ");
const makers = {
  zh: ["实验室", "团队", "公司", "大学", "工作室", "研究院", "项目", "科技", "学校", "小组", "之家", "社区"],
  en: ["lab", "team", "project", "company", "institute", "studio", "group", "school", "club"],
};
const peopleEn =
  "Tom Anna Peter Mary John Lucy Paul Emma Jack Alice Ben Nina Max Eva Sam Kate Leo Rosa Adam Mia Bob Lily".split(" ");
const surnames = [..."王李张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗"];
// Names that demonstrations teach a model later stay unseen here.
const reserved = /小鹅|little.?swan/i;

export function names(random, characters) {
  const character = () =>
    random.chance(0.25) ? String.fromCodePoint(random.between(0x4e00, 0x9fa5)) : random.pick(characters);
  const word = () =>
    Array.from({ length: random.between(1, 3) }, () => random.pick(consonants) + random.pick(vowels)).join("") +
    (random.chance(0.4) ? random.pick(["n", "x", "r", "l", "s", "t"]) : "");
  const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const run = (low, high) => Array.from({ length: random.between(low, high) }, character).join("");

  const english = () => {
    const first = random.chance(0.7) ? upper(word()) : word();
    const roll = random.next();
    if (roll < 0.5) return first;
    if (roll < 0.75) return `${first}-${word()}`;
    if (roll < 0.9) return `${first} ${upper(word())}`;
    return `${first}-${random.between(1, 9)}`;
  };
  const assistantZh = () => (random.chance(0.2) ? english() : random.chance(0.5) ? `小${run(1, 2)}` : run(2, 4));
  const makerZh = () => (random.chance(0.15) ? english() : run(2, 4)) + random.pick(makers.zh);
  const makerEn = () => {
    const roll = random.next();
    if (roll < 0.5) return `the ${english()} ${random.pick(makers.en)}`;
    return roll < 0.8 ? `${english()} ${upper(random.pick(makers.en))}` : english();
  };
  const again = (draw) => {
    const name = draw();
    return reserved.test(name) ? again(draw) : name;
  };
  return {
    identity: (language) =>
      language === "zh" ? { NAME: again(assistantZh), MAKER: makerZh() } : { NAME: again(english), MAKER: makerEn() },
    user: (language) => {
      if (language === "en") return random.chance(0.6) ? random.pick(peopleEn) : upper(word());
      return random.chance(0.5) ? random.pick(surnames) + run(1, 2) : `小${random.pick(surnames)}`;
    },
  };
}
