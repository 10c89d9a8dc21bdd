import { z } from "zod";
import { fileTypeNames } from "../../convert/gguf/file-types.ts";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const ExportGgufConfig = z.object({
  model: z.string().register(fieldText, {
    en: "model folder, or ORG/NAME on a hub",
    zh: "模型文件夹，或平台上的 组织/名称",
  }),
  adapter_path: z.string().optional().register(fieldText, {
    en: "folder of the training run whose adapter is merged",
    zh: "训练运行的文件夹，合并其中的适配器",
  }),
  adapter_only: z.boolean().default(false).register(fieldText, {
    en: "write the LoRA adapter alone, for llama.cpp's --lora, and not the model",
    zh: "只写出 LoRA 适配器（供 llama.cpp 的 --lora 使用），不写模型",
  }),
  output: z.string().default("ggml-model.gguf").register(fieldText, {
    en: "file to write",
    zh: "输出文件",
    alias: "gguf_path",
  }),
  type: z.enum(fileTypeNames).default("f16").register(fieldText, {
    en: "how weights are stored: q8_0 is nearly lossless, q4_k_m a common small one",
    zh: "权重的存储类型：q8_0 几乎无损，q4_k_m 是常用的小体积类型",
  }),
  imatrix: z.string().optional().register(fieldText, {
    en: "text or JSONL file of typical use, to measure which weights matter most, or llama-imatrix's file",
    zh: "代表实际用途的文本或 JSONL 文件，用于测量权重的重要性；也可以是 llama-imatrix 生成的文件",
  }),
  pre_tokenizer: z.string().optional().register(fieldText, {
    en: "llama.cpp's name for how text is cut into words; default: found out",
    zh: "llama.cpp 中切词方式的名称；默认自动判断",
  }),
  split_max_size: z.string().optional().register(fieldText, {
    en: "most bytes of weights in one file, such as 2G: more files are written then",
    zh: "单个文件中权重的最大体积，例如 2G；超出时分成多个文件",
  }),
  force: z.boolean().default(false).register(fieldText, {
    en: "replace what is at --output",
    zh: "覆盖 --output 处已有的文件",
  }),
  ...hubFields,
});
export type ExportGgufConfig = z.output<typeof ExportGgufConfig>;

/** `cygnet export gguf`: a model, or an adapter, as a file that llama.cpp, Ollama and LM Studio run. */
export const exportGguf = command({
  config: ExportGgufConfig,
  run: async (config, ui) => (await import("../actions/export-gguf.ts")).exportGguf(config, ui),
});
