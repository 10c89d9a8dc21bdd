export const trainerMessages = {
  "trainer/not-finite": (f: { iteration: number; loss: number }) => ({
    en: `The loss became ${f.loss} at iteration ${f.iteration}: training stopped. Lower learning_rate or lora_parameters.scale and continue from the last saved checkpoint.`,
    zh: `第 ${f.iteration} 次迭代的损失变为 ${f.loss}，训练已停止。请减小 learning_rate 或 lora_parameters.scale，并从最近保存的检查点继续。`,
  }),
  "trainer/fewer-rows-than-batch": (f: { rows: number; batchSize: number }) => ({
    en: `compat: mlx-lm never uses an incomplete batch: batch_size is ${f.batchSize}, but there are only ${f.rows} training rows. Lower batch_size, or leave compat out.`,
    zh: `compat: mlx-lm 不使用不完整的批次：batch_size 为 ${f.batchSize}，但训练数据只有 ${f.rows} 行。请减小 batch_size，或去掉 compat。`,
  }),
  "trainer/truncated": (f: { rows: number; length: number }) => ({
    en: `${f.rows} rows are longer than max_seq_length (${f.length} tokens) and lose their end.`,
    zh: `有 ${f.rows} 行超过 max_seq_length（${f.length} 个词元），超出部分被截断。`,
  }),
  "trainer/no-validation": (f: { folder: string }) => ({
    en: `No valid.jsonl in ${f.folder}: training runs without validation.`,
    zh: `${f.folder} 中没有 valid.jsonl：训练将不做验证。`,
  }),
  "trainer/resume-changed": (f: { path: string; missing: string[]; was: string; is: string }) => ({
    en: `The run cannot continue from ${f.path}: it trained ${f.missing.length > 0 ? `other layers (${f.missing.slice(0, 3).join(", ")} is not in it)` : `with ${f.was}, the config now says ${f.is}`}. Use the run's own config.yaml, or start a new run without --resume.`,
    zh: `无法从 ${f.path} 继续：${f.missing.length > 0 ? `它训练的是其他层（其中没有 ${f.missing.slice(0, 3).join("、")}）` : `它使用的优化器是 ${f.was}，而现在的配置是 ${f.is}`}。请使用该次运行自己的 config.yaml，或不带 --resume 重新开始。`,
  }),
  "trainer/no-checkpoint": (f: { folder: string }) => ({
    en: `--resume found no checkpoint in ${f.folder}. Give the --adapter-path of a run that has saved one, or leave --resume out.`,
    zh: `--resume 在 ${f.folder} 中找不到检查点。请给出已保存检查点的 --adapter-path，或去掉 --resume。`,
  }),
  "trainer/token-outside-vocabulary": (f: { id: number; size: number; row: string }) => ({
    en: `Token id ${f.id} in ${f.row} is outside the model's vocabulary of ${f.size}: the tokenizer belongs to another model.`,
    zh: `${f.row} 中的 token id ${f.id} 超出模型的词表大小 ${f.size}：分词器属于另一个模型。`,
  }),
};
