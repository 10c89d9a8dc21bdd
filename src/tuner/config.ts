import { z } from "zod";
import { hubFields } from "../hub/settings.ts";
import { fieldText } from "../protocol/fields.ts";
import { LearningRateSchedule, LoRAParameters, OptimizerConfig } from "./config-groups.ts";

const count = z.int().min(1);
/** A number of batches; -1 is all of them. */
const batches = z.int().min(-1);
const trackers = /^\s*((swanlab|wandb)(\s*,\s*|\s*$))*$/i;

/**
 * What `cygnet train` reads from YAML and flags: mlx-lm's keys with mlx-lm's defaults, then ours.
 * Keys, defaults and meaning: mlx_lm/lora.py of mlx-lm 0.32.
 */
export const TrainConfig = z.strictObject({
  model: z.string().default("Qwen/Qwen3-0.6b").register(fieldText, {
    en: "model folder in Hugging Face layout, quantized by MLX or not, or ORG/NAME on a hub",
    zh: "Hugging Face 格式的模型文件夹（可以是 MLX 量化模型），或平台上的 组织/名称",
  }),
  train: z.boolean().default(true).register(fieldText, {
    en: "train, which --test alone turns off",
    zh: "训练（只给出 --test 时自动关闭）",
  }),
  test: z.boolean().default(false).register(fieldText, {
    en: "measure the loss on test.jsonl, after training if there is any",
    zh: "在 test.jsonl 上计算损失；若有训练则在训练之后进行",
  }),
  data: z.string().default("mlx-community/WikiSQL").register(fieldText, {
    en: "folder with train.jsonl, valid.jsonl and test.jsonl, or ORG/NAME on a hub",
    zh: "包含 train.jsonl、valid.jsonl、test.jsonl 的文件夹，或平台上的 组织/名称",
  }),
  fine_tune_type: z.enum(["lora", "dora", "full"]).default("lora").register(fieldText, {
    en: "what to train: adapters or the blocks themselves",
    zh: "训练方式：训练适配器，或直接训练各层参数",
  }),
  optimizer: z.enum(["adam", "adamw", "sgd", "muon", "adafactor"]).default("adam").register(fieldText, {
    en: "optimizer; muon and adafactor are read from configs, but not there yet",
    zh: "优化器；可读取 muon 和 adafactor 的配置，但尚不能使用",
  }),
  mask_prompt: z.boolean().default(false).register(fieldText, {
    en: "count the loss on the answers only, not on the prompts; with compat on the last answer",
    zh: "只对回答计算损失，不计提示部分；compat 模式下只计最后一条回答",
  }),
  num_layers: z.int().default(16).register(fieldText, {
    en: "how many blocks to tune, counted from the last; 0 or less: all",
    zh: "要微调的层数，从最后一层往前数；小于等于 0 表示全部",
  }),
  batch_size: count.default(4).register(fieldText, { en: "rows in a batch", zh: "每批的样本数" }),
  iters: count.default(1000).register(fieldText, { en: "training steps, one batch each", zh: "训练步数，每步一批" }),
  val_batches: batches.default(25).register(fieldText, {
    en: "batches in a validation; -1: all",
    zh: "每次验证的批数；-1 表示全部",
  }),
  learning_rate: z.number().min(0).default(1e-5).register(fieldText, { en: "learning rate", zh: "学习率" }),
  steps_per_report: count.default(10).register(fieldText, {
    en: "steps between reports of the training loss",
    zh: "每隔多少步报告一次训练损失",
  }),
  steps_per_eval: count.default(200).register(fieldText, {
    en: "steps between validations",
    zh: "每隔多少步验证一次",
  }),
  grad_accumulation_steps: count.default(1).register(fieldText, {
    en: "batches whose gradients make one update",
    zh: "累积多少批梯度后更新一次",
  }),
  resume_adapter_file: z.string().optional().register(fieldText, {
    en: "adapters.safetensors to continue from",
    zh: "从该 adapters.safetensors 继续训练",
  }),
  adapter_path: z.string().default("adapters").register(fieldText, {
    en: "folder of the run: adapters, config, events",
    zh: "本次运行的文件夹：适配器、配置、事件记录",
  }),
  save_every: count.default(100).register(fieldText, { en: "steps between saves", zh: "每隔多少步保存一次" }),
  test_batches: batches.default(500).register(fieldText, {
    en: "batches in the test; -1: all",
    zh: "测试的批数；-1 表示全部",
  }),
  max_seq_length: z.int().min(2).default(2048).register(fieldText, {
    en: "tokens of a row; longer rows lose their end",
    zh: "每条样本的最大词元数，超出部分会被截断",
  }),
  config: z.string().optional().register(fieldText, {
    en: "YAML file with these keys; flags come before it",
    zh: "包含这些键的 YAML 文件；命令行参数优先",
    short: "c",
  }),
  grad_checkpoint: z.boolean().default(false).register(fieldText, {
    en: "compute activations again instead of keeping them: less memory, more time",
    zh: "梯度检查点：重新计算激活值而不保存，省内存但更慢",
  }),
  clear_cache_threshold: z
    .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?\s*([MG]B?)?$/i)])
    .transform(bytesOf)
    .optional()
    .register(fieldText, {
      en: "bytes that MLX may keep for reuse after a step, such as 2GB; default: 0 on a GPU, what a step needs on a CPU",
      zh: "每步之后 MLX 可保留的缓存大小（字节），例如 2GB；默认：GPU 上为 0，CPU 上为每步所需的量",
      expected: { en: "a number of bytes, such as 2000000000 or 2GB", zh: "字节数，例如 2000000000 或 2GB" },
    }),
  report_to: z
    .string()
    .regex(trackers)
    .optional()
    .register(fieldText, {
      en: "trackers to write files for: swanlab, wandb or both with a comma",
      zh: "要写入的实验跟踪工具：swanlab、wandb，或用逗号分隔两者",
      expected: { en: 'swanlab, wandb or "swanlab, wandb"', zh: " swanlab、wandb 或 “swanlab, wandb”" },
    }),
  project_name: z.string().optional().register(fieldText, {
    en: "the trackers' project",
    zh: "实验跟踪工具中的项目名称",
  }),
  seed: z.int().min(0).default(0).register(fieldText, { en: "random seed", zh: "随机种子" }),
  trust_remote_code: z.boolean().default(false).register(fieldText, {
    en: "read for mlx-lm's sake: Cygnet never runs code that comes with a model",
    zh: "仅为兼容 mlx-lm 而读取：Cygnet 从不运行模型自带的代码",
  }),
  prompt_feature: z.string().default("prompt").register(fieldText, {
    en: "the rows' key for the prompt",
    zh: "数据行中提示的键名",
  }),
  completion_feature: z.string().default("completion").register(fieldText, {
    en: "the rows' key for the completion",
    zh: "数据行中回答的键名",
  }),
  chat_feature: z.string().default("messages").register(fieldText, {
    en: "the rows' key for the messages",
    zh: "数据行中对话消息的键名",
  }),
  text_feature: z.string().default("text").register(fieldText, {
    en: "the rows' key for plain text",
    zh: "数据行中纯文本的键名",
  }),
  resume: z.boolean().default(false).register(fieldText, {
    en: "continue the run in --adapter-path from its last checkpoint, exactly where it was",
    zh: "从 --adapter-path 中的最近检查点精确地继续训练",
  }),
  ...hubFields,
  compat: z.enum(["mlx-lm"]).optional().register(fieldText, {
    en: "reproduce mlx-lm's batches, initial adapters and losses number for number",
    zh: "逐数值复现 mlx-lm 的批次、初始适配器和损失",
  }),
  lora_parameters: LoRAParameters.default({ rank: 8, dropout: 0, scale: 20 }),
  lr_schedule: LearningRateSchedule.optional(),
  optimizer_config: OptimizerConfig.default({}),
});

/** A training run's settings, whole and checked. */
export type TrainConfig = z.output<typeof TrainConfig>;

/** The trackers that `report_to` names. */
export function trackersOf(config: Pick<TrainConfig, "report_to">): string[] {
  const names = (config.report_to ?? "").split(",").map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ""))];
}

/** Bytes of `2GB`, `500M` or a plain number; as in mlx-lm, a G is 10⁹. */
function bytesOf(value: number | string): number {
  if (typeof value === "number") return value;
  const [, amount = "0", unit = ""] = /^([\d.]+)\s*([MG]?)/i.exec(value) ?? [];
  const factor: Record<string, number> = { M: 1e6, G: 1e9 };
  return Math.trunc(Number(amount) * (factor[unit.toUpperCase()] ?? 1));
}
