import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";
import { jsonFlag } from "../values.ts";
import { samplingFields } from "./sampling-fields.ts";

const GenerateConfig = z.object({
  model: z.string().register(fieldText, {
    en: "model folder in Hugging Face layout, quantized by MLX or not, or ORG/NAME on a hub",
    zh: "Hugging Face 格式的模型文件夹（可以是 MLX 量化模型），或平台上的 组织/名称",
  }),
  adapter_path: z.string().optional().register(fieldText, {
    en: "folder of a training run whose adapter is applied",
    zh: "训练运行的文件夹，使用其中的适配器",
  }),
  prompt: z.string().optional().register(fieldText, {
    en: "what to ask or continue; - reads standard input, as a pipe does without this flag; default: hello",
    zh: "提示内容；- 表示从标准输入读取，不写此参数时也会读取管道输入；默认：hello",
    short: "p",
  }),
  prompts: z.string().optional().register(fieldText, {
    en: 'JSONL file of prompts, {"prompt": …} or {"messages": […]} a line, answered together; in place of --prompt',
    zh: 'JSONL 提示文件，每行为 {"prompt": …} 或 {"messages": […]}，批量回答；代替 --prompt',
  }),
  output: z.string().optional().register(fieldText, {
    en: "with --prompts: JSONL file for the answers; default: standard output",
    zh: "配合 --prompts：写入回答的 JSONL 文件；默认输出到标准输出",
    short: "o",
  }),
  batch_size: z.int().min(1).default(8).register(fieldText, {
    en: "with --prompts: how many are answered together",
    zh: "配合 --prompts：同时回答的提示数",
  }),
  system_prompt: z.string().optional().register(fieldText, {
    en: "instructions before the prompt",
    zh: "置于提示之前的系统指令",
  }),
  prefill_response: z.string().optional().register(fieldText, {
    en: "what the answer begins with; the model goes on from there",
    zh: "回答的开头，模型从此处续写",
  }),
  max_tokens: z.int().min(0).default(100).register(fieldText, {
    en: "most tokens to generate",
    zh: "最多生成的词元数",
    short: "m",
  }),
  ...samplingFields,
  stop: z.array(z.string()).default([]).register(fieldText, {
    en: "text that ends the answer and is left out of it",
    zh: "遇到该文本即停止，且不包含在回答中",
  }),
  extra_eos_token: z.array(z.string()).default([]).register(fieldText, {
    en: "token that ends the answer beside the model's own",
    zh: "除模型自带之外的结束词元",
  }),
  dtype: z.enum(["float32", "float16", "bfloat16"]).optional().register(fieldText, {
    en: "compute in this type; default: the model's own, on a CPU bfloat16 for half precision",
    zh: "计算精度；默认与模型一致，半精度模型在 CPU 上为 bfloat16",
  }),
  ignore_chat_template: z.boolean().default(false).register(fieldText, {
    en: "give the prompt to the model as it is",
    zh: "不使用对话模板，原样输入提示",
  }),
  chat_template_config: jsonFlag(z.record(z.string(), z.unknown())).optional().register(fieldText, {
    en: 'JSON object of template variables, such as {"enable_thinking": false}',
    zh: '传给对话模板的 JSON 变量，例如 {"enable_thinking": false}',
  }),
  prompt_cache_file: z.string().optional().register(fieldText, {
    en: "keep what was computed of the prompt in this file; the next prompt that begins alike goes on from there",
    zh: "把提示的计算结果保存到该文件；下次开头相同的提示可直接接着计算",
  }),
  logprobs: z.int().min(0).max(100).default(0).register(fieldText, {
    en: "with --json: how many of the likeliest tokens are told in the place of each, with their bytes",
    zh: "配合 --json：为每个位置给出概率最高的若干个词元及其字节",
  }),
  draft_model: z.string().optional().register(fieldText, {
    en: "small model with the same tokens, a folder or ORG/NAME, that guesses ahead; the text stays the model's own",
    zh: "词元相同的小模型（文件夹或 组织/名称），用于推测解码；输出仍与原模型一致",
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
  ...hubFields,
});
export type GenerateConfig = z.output<typeof GenerateConfig>;

/** `cygnet generate`: text to standard output as it comes; what it took to standard error. */
export const generate = command({
  config: GenerateConfig,
  run: async (config, ui) => (await import("../actions/generate.ts")).generate(config, ui),
});
