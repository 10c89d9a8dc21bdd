import { z } from "zod";
import { recipeNames } from "../../convert/quantization-request.ts";
import { hubFields } from "../../hub/settings.ts";
import { quantizationModes } from "../../nn/quantization.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const ConvertConfig = z.object({
  model: z.string().register(fieldText, {
    en: "folder of the model to copy, or ORG/NAME on a hub",
    zh: "要转换的模型文件夹，或平台上的 组织/名称",
    alias: "hf_path",
  }),
  mlx_path: z.string().default("mlx_model").register(fieldText, {
    en: "folder to make",
    zh: "输出文件夹",
  }),
  quantize: z.boolean().default(false).register(fieldText, {
    en: "quantize the weights",
    zh: "量化权重",
    short: "q",
  }),
  q_bits: z.int().optional().register(fieldText, {
    en: "bits of a weight; default: 4, or 8 with mxfp8",
    zh: "每个权重的位数；默认 4，mxfp8 为 8",
  }),
  q_group_size: z.int().optional().register(fieldText, {
    en: "weights that share a scale; default: 64, mxfp4 and mxfp8 32, nvfp4 16",
    zh: "共享一个缩放系数的权重数；默认 64，mxfp4 与 mxfp8 为 32，nvfp4 为 16",
  }),
  q_mode: z.enum(quantizationModes).default("affine").register(fieldText, {
    en: "how weights are packed",
    zh: "量化模式",
  }),
  quant_predicate: z.enum(recipeNames).optional().register(fieldText, {
    en: "a recipe of two widths: mixed_3_6 packs in 3 bits, and in 6 what loses most by it",
    zh: "混合位宽方案：mixed_3_6 表示大部分用 3 位，对量化最敏感的层用 6 位",
  }),
  q_rule: z.array(z.string()).default([]).register(fieldText, {
    en: "PATTERN=BITS[:GROUP[:MODE]] or PATTERN=skip for layers by path, such as '*.down_proj=6'; the first that matches holds",
    zh: "按路径指定层的量化方式：模式=位数[:组大小[:量化模式]] 或 模式=skip，例如 '*.down_proj=6'；以第一条匹配的规则为准",
  }),
  calibrate: z.string().optional().register(fieldText, {
    en: "text or JSONL file of typical use: scale weights before packing so that outputs on it change least (AWQ); needs the whole model in memory",
    zh: "代表实际用途的文本或 JSONL 文件：量化前缩放权重，使其上的输出变化最小（AWQ）；需要载入整个模型",
  }),
  dequantize: z.boolean().default(false).register(fieldText, {
    en: "turn quantized weights into floating point",
    zh: "把量化权重还原为浮点",
    short: "d",
  }),
  dtype: z.enum(["float16", "bfloat16", "float32"]).optional().register(fieldText, {
    en: "type of the weights that are not quantized; default: what config.json says, else as stored",
    zh: "未量化权重的精度；默认取 config.json 中的设置，否则与存储一致",
  }),
  force: z.boolean().default(false).register(fieldText, {
    en: "replace what is at --mlx-path",
    zh: "覆盖 --mlx-path 中已有的内容",
  }),
  data: z.string().optional().register(fieldText, {
    en: "text or JSONL file, or data folder or set, to measure the copy's quality on; default: a short built-in text, English and Chinese",
    zh: "用于测量副本质量的文本或 JSONL 文件，或数据文件夹、数据集；默认使用内置的中英文短文",
  }),
  quality: z.boolean().default(true).register(fieldText, {
    en: "compare the copy with its source afterwards, which holds both in memory",
    zh: "完成后将副本与原模型对比（需要同时载入两者）",
  }),
  ...hubFields,
});
export type ConvertConfig = z.output<typeof ConvertConfig>;

/** `cygnet convert`: a copy of a model, quantized, de-quantized or in another dtype. */
export const convert = command({
  config: ConvertConfig,
  run: async (config, ui) => (await import("../actions/convert.ts")).convert(config, ui),
});
