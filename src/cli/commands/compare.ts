import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";
import { jsonFlag } from "../values.ts";
import { samplingFields } from "./sampling-fields.ts";

export const CompareConfig = z.object({
  model: z.string().register(fieldText, {
    en: "base model: a folder in Hugging Face layout, quantized by MLX or not, or ORG/NAME on a hub",
    zh: "原模型：Hugging Face 格式的文件夹（可以是 MLX 量化模型），或平台上的 组织/名称",
  }),
  adapter_path: z.string().optional().register(fieldText, {
    en: "folder of a training run whose adapter makes the tuned side",
    zh: "训练运行的文件夹，加上其中的适配器即为微调后的一侧",
  }),
  tuned_model: z.string().optional().register(fieldText, {
    en: "another model for the tuned side, such as a fused or quantized one",
    zh: "微调后的一侧使用的另一个模型，例如合并后或量化后的模型",
  }),
  base_adapter_path: z.string().optional().register(fieldText, {
    en: "adapter of the base side, to compare two runs",
    zh: "原模型一侧的适配器，用于对比两次训练",
  }),
  prompts: z.string().optional().register(fieldText, {
    en: 'file of prompts: JSONL rows of training data, {"prompt": …}, or one prompt a line; or a data folder; default: the run\'s validation rows',
    zh: '提示文件：训练数据格式的 JSONL、{"prompt": …}，或每行一个提示；也可以是数据文件夹；默认取该次训练的验证数据',
  }),
  prompt: z.array(z.string().min(1)).optional().register(fieldText, {
    en: "what both are asked, in place of a file; may be given several times",
    zh: "要提出的问题，代替文件；可多次给出",
    short: "p",
  }),
  limit: z.int().min(-1).default(100).register(fieldText, {
    en: "rows of the file that are taken, from its start; -1: all",
    zh: "从文件开头取的行数；-1 表示全部",
  }),
  answer_mark: z.string().min(1).optional().register(fieldText, {
    en: "in rows of plain text the answer begins after the last of these, such as 'A: '; default: at the middle of the text",
    zh: "纯文本数据中，回答从最后一个该标记之后开始，例如 'A: '；默认从文本中间拆分",
  }),
  score: z.array(z.string().min(1)).optional().register(fieldText, {
    en: "exact, contains, contains=TEXT, regex=PATTERN, json-schema=FILE, rouge-l, chrf, judge; default: rouge-l,chrf,exact where there are references",
    zh: "评分方式：exact、contains、contains=文本、regex=正则、json-schema=文件、rouge-l、chrf、judge；有参考回答时默认 rouge-l,chrf,exact",
  }),
  general: z
    .union([z.string(), z.literal(false)])
    .optional()
    .register(fieldText, {
      en: "texts on which forgetting is measured; default: a small set in English and Chinese that comes with Cygnet, unless prompts are typed",
      zh: "用于测量遗忘程度的文本；默认使用 Cygnet 自带的中英文小型文本集（直接输入提示时不测量）",
    }),
  output: z.string().optional().register(fieldText, {
    en: "JSONL file for all rows with answers and scores",
    zh: "把每行的回答和评分保存到该 JSONL 文件",
    short: "o",
  }),
  html: z.string().optional().register(fieldText, {
    en: "save a page with figures and all answers, in one file",
    zh: "保存包含汇总和全部回答的单文件网页报告",
  }),
  judge_url: z.string().optional().register(fieldText, {
    en: "OpenAI-compatible server whose model judges the answers, such as http://127.0.0.1:8080/v1",
    zh: "担任评审的兼容 OpenAI 的服务，例如 http://127.0.0.1:8080/v1",
  }),
  judge_model: z.string().optional().register(fieldText, { en: "model that judges", zh: "担任评审的模型" }),
  judge_key_env: z.string().optional().register(fieldText, {
    en: "environment variable with the key of that server",
    zh: "存放该服务密钥的环境变量名",
  }),
  judge_args: jsonFlag(z.record(z.string(), z.unknown())).optional().register(fieldText, {
    en: 'further fields of requests to the judge as JSON; null leaves one of ours out, such as {"temperature": null}',
    zh: '附加到评审请求的 JSON 字段；null 表示去掉默认字段，例如 {"temperature": null}',
  }),
  system_prompt: z.string().optional().register(fieldText, {
    en: "instructions before prompts that have none",
    zh: "置于没有系统指令的提示之前的系统指令",
  }),
  max_tokens: z.int().min(1).default(256).register(fieldText, {
    en: "most tokens of an answer",
    zh: "每个回答最多的词元数",
    short: "m",
  }),
  ...samplingFields,
  stop: z.array(z.string()).default([]).register(fieldText, {
    en: "text that ends the answer and is left out of it",
    zh: "遇到该文本即停止，且不包含在回答中",
  }),
  batch_size: z.int().min(1).default(8).register(fieldText, {
    en: "prompts that are answered together",
    zh: "同时回答的提示数",
  }),
  dtype: z.enum(["float32", "float16", "bfloat16"]).optional().register(fieldText, {
    en: "compute in this type; default: the model's own, on a CPU bfloat16 for half precision",
    zh: "计算精度；默认与模型一致，半精度模型在 CPU 上为 bfloat16",
  }),
  chat_template_config: jsonFlag(z.record(z.string(), z.unknown())).optional().register(fieldText, {
    en: 'JSON object of template variables, such as {"enable_thinking": false}',
    zh: '传给对话模板的 JSON 变量，例如 {"enable_thinking": false}',
  }),
  ...hubFields,
});
export type CompareConfig = z.output<typeof CompareConfig>;

/** `cygnet compare`: the same prompts to the base model and the tuned one, side by side and scored. */
export const compare = command({
  config: CompareConfig,
  run: async (config, ui) => (await import("../actions/compare.ts")).compare(config, ui),
});
