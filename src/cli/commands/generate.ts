import { z } from "zod";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";
import { jsonFlag } from "../values.ts";

const fraction = z.number().min(0).max(1);

const GenerateConfig = z.object({
  model: z.string().register(fieldText, {
    en: "model folder in Hugging Face layout, quantized by MLX or not",
    zh: "Hugging Face 格式的模型文件夹，可以是 MLX 量化模型",
  }),
  adapter_path: z.string().optional().register(fieldText, {
    en: "folder of a training run whose adapter is applied",
    zh: "训练运行的文件夹，使用其中的适配器",
  }),
  prompt: z.string().default("hello").register(fieldText, {
    en: "what to ask or continue; - reads standard input",
    zh: "提示内容；- 表示从标准输入读取",
    short: "p",
  }),
  system_prompt: z.string().optional().register(fieldText, {
    en: "instructions before the prompt",
    zh: "置于提示之前的系统指令",
  }),
  max_tokens: z.int().min(0).default(100).register(fieldText, {
    en: "most tokens to generate",
    zh: "最多生成的词元数",
    short: "m",
  }),
  temp: z.number().min(0).default(0).register(fieldText, {
    en: "temperature; 0 always takes the likeliest token",
    zh: "温度；0 表示总是选择概率最高的词元",
  }),
  top_p: fraction.default(1).register(fieldText, {
    en: "keep the likeliest tokens that together reach this probability",
    zh: "只保留累计概率达到该值的最可能词元",
  }),
  top_k: z.int().min(0).default(0).register(fieldText, {
    en: "keep this many of the likeliest tokens; 0: all",
    zh: "只保留概率最高的若干个词元；0 表示全部",
  }),
  min_p: fraction.default(0).register(fieldText, {
    en: "keep tokens at least this fraction as likely as the likeliest",
    zh: "只保留概率不低于最高概率该比例的词元",
  }),
  min_tokens_to_keep: z.int().min(1).default(1).register(fieldText, {
    en: "what --min-p keeps at least",
    zh: "--min-p 至少保留的词元数",
  }),
  xtc_probability: fraction.default(0).register(fieldText, {
    en: "how often all likely tokens but the least likely of them are left out, for variety",
    zh: "以该概率排除除最不可能者之外的高概率词元，以增加多样性",
  }),
  xtc_threshold: z.number().min(0).max(0.5).default(0.1).register(fieldText, {
    en: "with --xtc-probability: tokens at least this likely count as likely",
    zh: "配合 --xtc-probability：概率不低于该值的词元视为高概率词元",
  }),
  repetition_penalty: z.number().positive().optional().register(fieldText, {
    en: "divides the positive logits of recent tokens and multiplies the negative ones, such as 1.1",
    zh: "最近出现的词元的正 logit 除以该值、负 logit 乘以该值，例如 1.1",
  }),
  presence_penalty: z.number().optional().register(fieldText, {
    en: "taken from the logits of recent tokens",
    zh: "从最近出现的词元的 logit 中减去的值",
  }),
  frequency_penalty: z.number().optional().register(fieldText, {
    en: "taken from the logits of recent tokens, for each time that they occur",
    zh: "最近出现的词元每出现一次，从其 logit 中减去的值",
  }),
  penalty_context_size: z.int().min(1).default(20).register(fieldText, {
    en: "how many of the latest tokens the penalties look at",
    zh: "惩罚项所考虑的最近词元数",
  }),
  seed: z.int().min(0).optional().register(fieldText, {
    en: "random seed; the same seed gives the same text",
    zh: "随机种子；相同种子得到相同文本",
  }),
  stop: z.array(z.string()).default([]).register(fieldText, {
    en: "text that ends the answer and is left out of it",
    zh: "遇到该文本即停止，且不包含在回答中",
  }),
  extra_eos_token: z.array(z.string()).default([]).register(fieldText, {
    en: "token that ends the answer beside the model's own",
    zh: "除模型自带之外的结束词元",
  }),
  logit_bias: jsonFlag(z.record(z.string().regex(/^\d+$/), z.number()))
    .optional()
    .register(fieldText, {
      en: 'JSON object, token id to what its logit gains, such as {"42": -100}',
      zh: 'JSON 对象：词元 id 到 logit 增量，例如 {"42": -100}',
    }),
  dtype: z.enum(["float32", "float16", "bfloat16"]).optional().register(fieldText, {
    en: "compute in this type; default: float32 on a CPU, else the model's own",
    zh: "计算精度；默认在 CPU 上为 float32，否则与模型一致",
  }),
  ignore_chat_template: z.boolean().default(false).register(fieldText, {
    en: "give the prompt to the model as it is",
    zh: "不使用对话模板，原样输入提示",
  }),
  chat_template_config: jsonFlag(z.record(z.string(), z.unknown())).optional().register(fieldText, {
    en: 'JSON object of template variables, such as {"enable_thinking": false}',
    zh: '传给对话模板的 JSON 变量，例如 {"enable_thinking": false}',
  }),
  draft_model: z.string().optional().register(fieldText, {
    en: "folder of a small model with the same tokens that guesses ahead; the text stays the model's own",
    zh: "词元相同的小模型文件夹，用于推测解码；输出仍与原模型一致",
  }),
  num_draft_tokens: z.int().min(1).default(3).register(fieldText, {
    en: "tokens that the draft model guesses at a time",
    zh: "小模型每次推测的词元数",
  }),
  max_kv_size: z.int().min(8).optional().register(fieldText, {
    en: "keep only this many tokens of context, the first four and the latest; default: all",
    zh: "上下文最多保留的词元数（最前四个和最新的）；默认全部保留",
  }),
  kv_bits: z.literal([2, 3, 4, 5, 6, 8]).optional().register(fieldText, {
    en: "pack the keys and values of the context in this many bits",
    zh: "用该位数量化上下文的键和值",
  }),
  kv_group_size: z.literal([32, 64, 128]).default(64).register(fieldText, {
    en: "elements that share a scale in packed keys and values",
    zh: "量化键和值时每组共享缩放系数的元素数",
  }),
  quantized_kv_start: z.int().min(0).default(5000).register(fieldText, {
    en: "with --kv-bits: pack once the context is longer than this",
    zh: "配合 --kv-bits：上下文超过该词元数后才开始量化",
  }),
  prefill_step_size: z.int().min(1).default(2048).register(fieldText, {
    en: "prompt tokens computed at once",
    zh: "一次计算的提示词元数",
  }),
});
export type GenerateConfig = z.output<typeof GenerateConfig>;

/** `cygnet generate`: text to standard output as it comes; what it took to standard error. */
export const generate = command({
  config: GenerateConfig,
  run: async (config, ui) => (await import("../actions/generate.ts")).generate(config, ui),
});
