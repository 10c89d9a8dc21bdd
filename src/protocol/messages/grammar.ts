export const grammarMessages = {
  "grammar/unsupported": (f: { keyword: string; path: string }) => ({
    en: `The JSON schema uses ${f.keyword} at ${f.path}, which cannot be enforced while an answer is written. Express it in another way, or leave it out and check the answer yourself.`,
    zh: `JSON Schema 在 ${f.path} 处使用了 ${f.keyword}，无法在生成过程中强制执行。请换一种写法，或去掉它并自行检查回答。`,
  }),
  "grammar/invalid": (f: { reason: string; path: string }) => ({
    en: `No answer can be valid under the JSON schema: at ${f.path}, ${f.reason}.`,
    zh: `没有任何回答能满足该 JSON Schema：${f.path} 处，${f.reason}。`,
  }),
  "grammar/too-large": (f: { characters: number; most: number }) => ({
    en: `The JSON schema becomes a grammar of more than ${f.characters} characters, and at most ${f.most} are taken. Use a smaller schema.`,
    zh: `该 JSON Schema 转换成的语法超过 ${f.characters} 个字符，上限为 ${f.most}。请使用更小的 Schema。`,
  }),
  "grammar/refused": (f: { reason: string }) => ({
    en: `This output format cannot be compiled to a grammar: ${f.reason}`,
    zh: `无法将该输出格式编译为语法：${f.reason}`,
  }),
};
