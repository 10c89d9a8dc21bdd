import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { affineBits } from "../../nn/quantization.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const FuseConfig = z.object({
  model: z.string().default("mlx_model").register(fieldText, {
    en: "folder of the base model, or ORG/NAME on a hub",
    zh: "基础模型文件夹，或平台上的 组织/名称",
  }),
  adapter_path: z.string().default("adapters").register(fieldText, {
    en: "folder of the training run whose adapter is merged",
    zh: "训练运行的文件夹，合并其中的适配器",
  }),
  scale: z.number().default(1).register(fieldText, {
    en: "how much of that adapter counts: 0.5 is half of its update",
    zh: "该适配器的强度：0.5 表示更新量的一半",
  }),
  with_adapter: z.array(z.string()).default([]).register(fieldText, {
    en: "another run to merge with it, as FOLDER or FOLDER=WEIGHT; may be repeated",
    zh: "一并合并的其他训练运行，写作 文件夹 或 文件夹=权重；可多次使用",
  }),
  merge_method: z.enum(["linear", "ties"]).default("linear").register(fieldText, {
    en: "how several adapters become one: their weighted sum, or TIES, which settles where they pull in different directions",
    zh: "多个适配器的合并方法：加权求和（linear），或 TIES（化解方向冲突）",
  }),
  density: z.number().gt(0).max(1).default(0.2).register(fieldText, {
    en: "with ties: the share of each update's elements that is kept, the largest",
    zh: "ties 方法中每个更新保留的元素比例（取绝对值最大者）",
  }),
  touched_bits: z.literal(affineBits).optional().register(fieldText, {
    en: "on a quantized base: bits of the layers that are merged, the others stay as they are; 8 keeps nearly all that was learnt",
    zh: "量化模型中被合并层的位宽，其余层不变；8 几乎完整保留学到的内容",
  }),
  data: z.string().optional().register(fieldText, {
    en: "text or JSONL file, or data folder or set, to measure on what the merge keeps; default: the rows that the run held back",
    zh: "用于测量合并保留了多少学习效果的文本或 JSONL 文件、数据文件夹或数据集；默认使用训练时留出的数据",
  }),
  quality: z.boolean().default(true).register(fieldText, {
    en: "measure what the merge keeps of what was learnt",
    zh: "测量合并保留了多少学习效果",
  }),
  save_path: z.string().default("fused_model").register(fieldText, {
    en: "folder to write the merged model to",
    zh: "合并后模型的保存文件夹",
  }),
  dequantize: z.boolean().default(false).register(fieldText, {
    en: "write a quantized model in floating point, which keeps all that was learnt",
    zh: "把量化模型写成浮点格式，完整保留学到的内容",
  }),
  export_gguf: z.boolean().default(false).register(fieldText, {
    en: "write the merged model as GGUF too, as `cygnet export gguf` does",
    zh: "同时写出 GGUF 文件，与 cygnet export gguf 相同",
  }),
  gguf_path: z.string().default("ggml-model-f16.gguf").register(fieldText, {
    en: "that file, in --save-path",
    zh: "该文件的名称，位于 --save-path 中",
  }),
  force: z.boolean().default(false).register(fieldText, {
    en: "replace what is at --save-path",
    zh: "覆盖 --save-path 中已有的内容",
  }),
  ...hubFields,
});
export type FuseConfig = z.output<typeof FuseConfig>;

/** `cygnet fuse`: a model with an adapter becomes a plain model. */
export const fuse = command({
  config: FuseConfig,
  run: async (config, ui) => (await import("../actions/fuse.ts")).fuse(config, ui),
});
