import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const PerplexityConfig = z.object({
  model: z.string().register(fieldText, {
    en: "model folder in Hugging Face layout, quantized by MLX or not, or ORG/NAME on a hub",
    zh: "Hugging Face 格式的模型文件夹，可以是 MLX 量化模型，或平台上的 组织/名称",
  }),
  data: z.string().register(fieldText, {
    en: "text file, JSONL file of training rows, or a data folder or ORG/NAME on a hub, of which test.jsonl is taken, else valid.jsonl",
    zh: "文本文件、训练数据的 JSONL 文件，或数据文件夹、平台上的 组织/名称（取其中的 test.jsonl，没有则取 valid.jsonl）",
  }),
  adapter_path: z.string().optional().register(fieldText, {
    en: "folder of a training run: measure with its adapter too",
    zh: "训练运行的文件夹：同时测量加上其适配器的结果",
  }),
  batch_size: z.int().min(1).default(8).register(fieldText, {
    en: "rows computed at once",
    zh: "一次计算的行数",
  }),
  sequence_length: z.int().min(2).default(512).register(fieldText, {
    en: "tokens of a row; the first of each is not predicted",
    zh: "每行的词元数；每行的第一个词元不参与预测",
  }),
  num_samples: z.int().min(-1).default(256).register(fieldText, {
    en: "rows to measure on, from the start of the data; -1: all",
    zh: "参与测量的行数，从数据开头算起；-1 表示全部",
  }),
  ...hubFields,
});
export type PerplexityConfig = z.output<typeof PerplexityConfig>;

/** `cygnet eval perplexity`: how well a model predicts a text. */
export const evalPerplexity = command({
  config: PerplexityConfig,
  run: async (config, ui) => (await import("../actions/eval-perplexity.ts")).evalPerplexity(config, ui),
});
