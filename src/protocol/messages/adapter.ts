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
  "adapter/bad-peft-config": (f: { path: string; problems: string[] }) => ({
    en: `${f.path} is not the config of a LoRA adapter that Cygnet can use: ${f.problems.join("; ")}. PEFT's LoRA, rsLoRA and DoRA are read; for another kind merge it into its model with PEFT.`,
    zh: `${f.path} 不是 Cygnet 可用的 LoRA 适配器配置：${f.problems.join("；")}。支持 PEFT 的 LoRA、rsLoRA 和 DoRA；其他类型请先用 PEFT 合并到模型中。`,
  }),
  "adapter/whole-on-packed": (f: { source: string; name: string }) => ({
    en: `${f.source} brings the whole of ${f.name}, which is quantized in this model. Use the adapter with the model in floating point.`,
    zh: `${f.source} 包含完整的 ${f.name}，而该模型中的这一层已量化。请与浮点精度的模型一起使用该适配器。`,
  }),
  "adapter/full-as-peft": (f: { folder: string }) => ({
    en: `${f.folder} holds whole weights (fine_tune_type: full), no adapter. Make a model of it with cygnet fuse.`,
    zh: `${f.folder} 保存的是完整权重（fine_tune_type: full），不是适配器。请用 cygnet fuse 合并成模型。`,
  }),
  "adapter/experts-as-peft": (f: { folder: string; path: string }) => ({
    en: `${f.folder} updates experts (${f.path}), which PEFT's format has no place for. Merge it into its model with cygnet fuse.`,
    zh: `${f.folder} 更新了专家层（${f.path}），PEFT 格式无法表示。请用 cygnet fuse 合并到模型中。`,
  }),
  "adapter/target-not-peft": (f: { path: string; names: readonly string[] }) => ({
    en: `${f.path} holds other things than an adapter (${f.names.slice(0, 5).join(", ")}) and is left alone. Give --output another folder.`,
    zh: `${f.path} 中不是适配器（${f.names.slice(0, 5).join("、")}），不会改动。请为 --output 指定其他文件夹。`,
  }),
  "adapter/exported": (f: { path: string; layers: number }) => ({
    en: `PEFT adapter with ${f.layers} layers at ${f.path}`,
    zh: `已将 ${f.layers} 层的 PEFT 适配器写入 ${f.path}`,
  }),
  "adapter/full-weights": (f: { folder: string }) => ({
    en: `${f.folder} is no adapter: it holds whole weights (fine_tune_type: full, or PEFT's modules_to_save). Make a model of it with cygnet fuse and load that.`,
    zh: `${f.folder} 不是适配器：它保存的是完整权重（fine_tune_type: full，或 PEFT 的 modules_to_save）。请先用 cygnet fuse 合并成模型，再加载该模型。`,
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
