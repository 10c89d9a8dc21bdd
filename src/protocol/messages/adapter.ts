export const adapterMessages = {
  "adapter/mismatch": (f: { source: string; examples: string[]; count: number }) => ({
    en: `The adapter ${f.source} belongs to another model: ${f.count} of its weights have no place in this one (${f.examples.join(", ")}). Use the model it was trained on.`,
    zh: `适配器 ${f.source} 属于另一个模型：有 ${f.count} 个权重与当前模型不符（${f.examples.join("、")}）。请使用训练它时的模型。`,
  }),
  "adapter/not-found": (f: { folder: string; file: string }) => ({
    en: `No adapter at ${f.folder}: ${f.file} is missing. Give the --adapter-path of a training run.`,
    zh: `${f.folder} 中没有适配器：缺少 ${f.file}。请给出训练时的 --adapter-path 目录。`,
  }),
  "adapter/bad-config": (f: { path: string; problems: string[] }) => ({
    en: `${f.path} is not an adapter config that mlx-lm or Cygnet wrote: ${f.problems.join("; ")}.`,
    zh: `${f.path} 不是 mlx-lm 或 Cygnet 写出的适配器配置：${f.problems.join("；")}。`,
  }),
  "adapter/full-weights": (f: { folder: string }) => ({
    en: `${f.folder} is no adapter: it was trained with fine_tune_type: full and holds whole weights. Make a model of it with cygnet fuse and load that.`,
    zh: `${f.folder} 不是适配器：它以 fine_tune_type: full 训练，保存的是完整权重。请先用 cygnet fuse 合并成模型，再加载该模型。`,
  }),
  "adapter/too-many-layers": (f: { asked: number; available: number }) => ({
    en: `num_layers is ${f.asked}, but the model has ${f.available} layers. Use ${f.available} or less, or -1 for all.`,
    zh: `num_layers 为 ${f.asked}，但模型只有 ${f.available} 层。请使用不超过 ${f.available} 的值，或用 -1 表示全部。`,
  }),
  "adapter/unknown-keys": (f: { unknown: string[]; possible: string[] }) => ({
    en: `lora_parameters.keys names no layer of this model: ${f.unknown.join(", ")}. Possible: ${f.possible.join(", ")}.`,
    zh: `lora_parameters.keys 中的 ${f.unknown.join("、")} 在模型中不存在。可用：${f.possible.join("、")}。`,
  }),
  "adapter/dora-embedding": (_: Record<string, never>) => ({
    en: "DoRA adapts linear layers only; take the embedding out of lora_parameters.keys, or use fine_tune_type: lora.",
    zh: "DoRA 只能用于线性层；请从 lora_parameters.keys 中去掉嵌入层，或使用 fine_tune_type: lora。",
  }),
  "adapter/dora-experts": (_: Record<string, never>) => ({
    en: "DoRA cannot adapt the experts of this model. Name other layers in lora_parameters.keys, such as self_attn.q_proj, or use fine_tune_type: lora.",
    zh: "DoRA 不能用于该模型的专家层。请在 lora_parameters.keys 中只列出其他层（如 self_attn.q_proj），或使用 fine_tune_type: lora。",
  }),
};
