// What is measured. Token ids are fixed numbers: no tokenizer has a part in it.
import { configs, modelFolder } from "./models.mjs";

/**
 * `heavy`: mlx-lm as shipped would take minutes a step, so it is left out.
 * @typedef {{ id: string, title: string, model: string, heavy?: boolean, spec: object }} Task
 */

const lora = { kind: "train", rank: 8, scale: 20, learningRate: 1e-5, seed: 0 };

export const tasks = [
  train("small", { rows: 1, tokens: 128, steps: 8 }),
  train("small", { rows: 4, tokens: 512, steps: 3 }),
  generate("small"),
  train("qwen3-0.6b", { rows: 1, tokens: 128, steps: 4 }),
  { ...train("qwen3-0.6b", { rows: 1, tokens: 512, steps: 2 }), heavy: true },
  generate("qwen3-0.6b"),
];

function train(model, { rows, tokens, steps }) {
  const batch = Array.from({ length: rows }, (_, row) => tokenIds(model, tokens + 1, row));
  const spec = { ...lora, model: modelFolder(model), batch, steps };
  return { id: `${model}/train/${rows}x${tokens}`, title: `LoRA step, ${rows} × ${tokens}`, model, spec };
}

function generate(model) {
  const spec = { kind: "generate", model: modelFolder(model), prompt: tokenIds(model, 128, 0), tokens: 64, repeats: 2 };
  return { id: `${model}/generate`, title: "prefill 128, decode 64", model, spec };
}

/** Ids spread over the vocabulary, other ones for each row. */
function tokenIds(model, count, row) {
  const { vocab_size } = configs[model];
  return Array.from({ length: count }, (_, i) => ((i + 1) * (7919 + 104729 * row) + i * i) % vocab_size);
}

/** The same task with fewer repeats, for mlx-lm as shipped. */
export function briefly(task) {
  const { spec } = task;
  return { ...task, spec: spec.kind === "train" ? { ...spec, steps: 1 } : { ...spec, tokens: 16, repeats: 1 } };
}

/** A batch and a prompt of 16 tokens, for the comparison of all sides before timing. */
export function checks(model) {
  const ids = tokenIds(model, 17, 0);
  const folder = modelFolder(model);
  return [
    { ...lora, model: folder, batch: [ids], steps: 1 },
    { kind: "generate", model: folder, prompt: ids, tokens: 7, repeats: 1 },
  ];
}
