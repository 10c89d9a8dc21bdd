import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";
import { jsonFlag } from "../values.ts";
import { samplingFields } from "./sampling-fields.ts";

export const ChatConfig = z.object({
  model: z.string().register(fieldText, {
    en: "model folder in Hugging Face layout, quantized by MLX or not, or ORG/NAME on a hub",
    zh: "Hugging Face 格式的模型文件夹（可以是 MLX 量化模型），或平台上的 组织/名称",
  }),
  ...hubFields,
  adapter_path: z.string().optional().register(fieldText, {
    en: "folder of a training run whose adapter is applied",
    zh: "训练运行的文件夹，使用其中的适配器",
  }),
  compare: z.boolean().default(false).register(fieldText, {
    en: "the base model and the tuned one answer side by side, from one set of weights",
    zh: "原模型与微调后的模型并排回答，共用一份权重",
  }),
  system_prompt: z.string().optional().register(fieldText, {
    en: "instructions before the conversation",
    zh: "置于对话之前的系统指令",
  }),
  max_tokens: z.int().min(1).default(1024).register(fieldText, {
    en: "most tokens of an answer",
    zh: "每次回答最多的词元数",
    short: "m",
  }),
  ...samplingFields,
  thinking: z.enum(["show", "fold", "off"]).default("show").register(fieldText, {
    en: "thoughts of a model that thinks: dimmed, folded to one line, or not asked for",
    zh: "思考模型的思考过程：以暗色显示、折叠为一行，或关闭思考",
  }),
  max_kv_size: z.int().min(8).optional().register(fieldText, {
    en: "keep only this many tokens of context, the first four and the latest; default: all",
    zh: "上下文最多保留的词元数（最前四个和最新的）；默认全部保留",
  }),
  dtype: z.enum(["float32", "float16", "bfloat16"]).optional().register(fieldText, {
    en: "compute in this type; default: the model's own, on a CPU bfloat16 for half precision",
    zh: "计算精度；默认与模型一致，半精度模型在 CPU 上为 bfloat16",
  }),
  chat_template_config: jsonFlag(z.record(z.string(), z.unknown())).optional().register(fieldText, {
    en: "JSON object of template variables",
    zh: "传给对话模板的 JSON 变量",
  }),
  prefill_step_size: z.int().min(1).default(2048).register(fieldText, {
    en: "prompt tokens computed at once",
    zh: "一次计算的提示词元数",
  }),
});
export type ChatConfig = z.output<typeof ChatConfig>;

/** What `/set` changes while the conversation goes on. */
export const changeable = ChatConfig.pick({ max_tokens: true, thinking: true }).extend(samplingFields);

/** `cygnet chat`: a conversation at the terminal; answers to standard output. */
export const chat = command({
  config: ChatConfig,
  run: async (config, ui) => (await import("../actions/chat.ts")).chat(config, ui),
});
