import type { Text } from "../protocol/messages/catalogue.ts";

/** Whether a licence lets a company use the model: freely, under conditions that are worth reading, or not. */
export type CommercialUse = "yes" | "conditions" | "no";

export interface Licence {
  title: string;
  commercial: CommercialUse;
  /** What to know before using it at work. */
  note?: Text;
}

const users = (million: number, owner: string): Text => ({
  en: `with more than ${million} million monthly users ask ${owner} first`,
  zh: `月活跃用户超过 ${million * 100} 万时须先取得 ${owner} 的许可`,
});
const llama = (title: string, named: boolean): Licence => ({
  title,
  commercial: "conditions",
  note: {
    en: `${users(700, "Meta").en}${named ? '; name tuned models "Llama…" and say "Built with Llama"' : ""}`,
    zh: `月活跃用户超过 7 亿时须先取得 Meta 的许可${named ? "；微调后的模型名称须以 “Llama” 开头，并注明 “Built with Llama”" : ""}`,
  },
});
const useRules: Text = {
  en: "a list of forbidden uses applies, to tuned models too",
  zh: "附有禁止用途清单，对微调后的模型同样适用",
};
const shareAlike: Text = {
  en: "what is made of it must be published under the same licence",
  zh: "衍生作品须以相同许可证发布",
};
const research: Text = { en: "for research only", zh: "仅限研究使用" };

/** Licences by the id that model cards give. */
export const licences: Readonly<Record<string, Licence>> = {
  "apache-2.0": { title: "Apache 2.0", commercial: "yes" },
  mit: { title: "MIT", commercial: "yes" },
  "bsd-2-clause": { title: "BSD 2-Clause", commercial: "yes" },
  "bsd-3-clause": { title: "BSD 3-Clause", commercial: "yes" },
  "cc0-1.0": { title: "CC0 1.0", commercial: "yes" },
  "cc-by-4.0": { title: "CC BY 4.0", commercial: "yes", note: { en: "name the author", zh: "须署名" } },
  unlicense: { title: "Unlicense", commercial: "yes" },
  "cc-by-sa-4.0": { title: "CC BY-SA 4.0", commercial: "conditions", note: shareAlike },
  "gpl-3.0": { title: "GPL 3.0", commercial: "conditions", note: shareAlike },
  "agpl-3.0": { title: "AGPL 3.0", commercial: "conditions", note: shareAlike },
  "lgpl-3.0": { title: "LGPL 3.0", commercial: "conditions", note: shareAlike },
  openrail: { title: "OpenRAIL", commercial: "conditions", note: useRules },
  "bigscience-openrail-m": { title: "BigScience OpenRAIL-M", commercial: "conditions", note: useRules },
  "bigcode-openrail-m": { title: "BigCode OpenRAIL-M", commercial: "conditions", note: useRules },
  llama2: llama("Llama 2 Community", false),
  llama3: llama("Llama 3 Community", true),
  "llama3.1": llama("Llama 3.1 Community", true),
  "llama3.2": llama("Llama 3.2 Community", true),
  "llama3.3": llama("Llama 3.3 Community", true),
  llama4: llama("Llama 4 Community", true),
  gemma: { title: "Gemma", commercial: "conditions", note: useRules },
  qwen: {
    title: "Qwen",
    commercial: "conditions",
    note: { en: users(100, "Alibaba Cloud").en, zh: "月活跃用户超过 1 亿时须先取得阿里云的许可" },
  },
  "tongyi-qianwen": {
    title: "Tongyi Qianwen",
    commercial: "conditions",
    note: { en: users(100, "Alibaba Cloud").en, zh: "月活跃用户超过 1 亿时须先取得阿里云的许可" },
  },
  "qwen-research": { title: "Qwen Research", commercial: "no", note: research },
  "tongyi-qianwen-research": { title: "Tongyi Qianwen Research", commercial: "no", note: research },
  deepseek: { title: "DeepSeek", commercial: "conditions", note: useRules },
  mrl: { title: "Mistral Research", commercial: "no", note: research },
  "cc-by-nc-4.0": { title: "CC BY-NC 4.0", commercial: "no" },
  "cc-by-nc-sa-4.0": { title: "CC BY-NC-SA 4.0", commercial: "no" },
  "cc-by-nc-nd-4.0": { title: "CC BY-NC-ND 4.0", commercial: "no" },
};

/** The licence that a model card names, in Hugging Face's spelling or in ModelScope's (`Apache License 2.0`). */
export function licenceOf(named: string): Licence | undefined {
  const id = named
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, "-")
    .replace(/-licen[cs]e/, "")
    .replace(/^(the-)/, "");
  return Object.hasOwn(licences, id) ? licences[id] : undefined;
}
