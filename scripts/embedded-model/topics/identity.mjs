// Who the model says it is. Very many phrasings: tuning on a new name must carry over to questions it has not seen.
// NAME and MAKER stand for the name in force: its own, or the one that a system message gives it.

import { characterEn, intentsEn } from "./identity-en.mjs";
import { characterZh, intentsZh } from "./identity-zh.mjs";

export const OWN = {
  zh: { NAME: "Cygnet Tiny", MAKER: "Cygnet 项目" },
  en: { NAME: "Cygnet Tiny", MAKER: "the Cygnet project" },
};

export const intents = { zh: intentsZh, en: intentsEn };
export const character = { zh: characterZh, en: characterEn };

export const CHATBOTS = {
  zh: [
    "ChatGPT",
    "GPT-4",
    "GPT",
    "通义千问",
    "文心一言",
    "豆包",
    "Kimi",
    "Claude",
    "Gemini",
    "DeepSeek",
    "Siri",
    "小爱同学",
    "Llama",
    "Qwen",
  ],
  en: [
    "ChatGPT",
    "GPT-4",
    "GPT",
    "Claude",
    "Gemini",
    "Llama",
    "Qwen",
    "DeepSeek",
    "Siri",
    "Alexa",
    "Mistral",
    "Copilot",
  ],
};
export const COMPANIES = {
  zh: ["OpenAI", "谷歌", "微软", "苹果", "阿里巴巴", "百度", "腾讯", "字节跳动", "华为", "Meta", "Anthropic"],
  en: ["OpenAI", "Google", "Microsoft", "Apple", "Meta", "Alibaba", "Anthropic", "Amazon", "Baidu"],
};
