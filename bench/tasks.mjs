// What is measured. Token ids are fixed numbers: no tokenizer has a part in it.
import { configs } from "./models.mjs";

/**
 * `spec` goes to the task scripts, with the model that each side computes on. `without`: sides that would take minutes a
 * step, or more memory than most machines have.
 * @typedef {{ id: string, title: string, model: string, without?: RegExp, spec: object }} Task
 */

const lora = { kind: "train", rank: 8, scale: 20, learningRate: 1e-5, seed: 0 };

/** Rows decoded together, against one. */
export const manyRows = 16;

export const tasks = [
  train("small", { rows: 1, tokens: 128, steps: 8 }),
  train("small", { rows: 4, tokens: 512, steps: 3 }),
  generate("small"),
  decodeRows("small"),
  products("small"),
  train("qwen3-0.6b", { rows: 1, tokens: 128, steps: 4 }),
  { ...train("qwen3-0.6b", { rows: 1, tokens: 512, steps: 2 }), without: /^shipped/ },
  { ...train("qwen3-0.6b", { rows: 4, tokens: 512, steps: 1 }), without: /^(shipped|openblas|mlx|torch-f32)/ },
  generate("qwen3-0.6b"),
  decodeRows("qwen3-0.6b"),
  products("qwen3-0.6b"),
];

function train(model, { rows, tokens, steps }) {
  const batch = Array.from({ length: rows }, (_, row) => tokenIds(model, tokens + 1, row));
  const title = `LoRA ${rows} × ${tokens}`;
  return { id: `${model}/train/${rows}x${tokens}`, title, model, spec: { ...lora, batch, steps } };
}

function generate(model) {
  const spec = { kind: "generate", prompt: tokenIds(model, 128, 0), tokens: 64, repeats: 2 };
  return { id: `${model}/generate`, title: "generate", model, spec };
}

function decodeRows(model) {
  const prompts = Array.from({ length: manyRows }, (_, row) => tokenIds(model, 16, row));
  const spec = { kind: "rows", prompts, tokens: 32, repeats: 2 };
  return { id: `${model}/rows`, title: `decode ${manyRows} rows`, model, spec };
}

function products(model) {
  return { id: `${model}/products`, title: "products", model, spec: { kind: "products" } };
}

/** Ids spread over the vocabulary, other ones for each row. */
function tokenIds(model, count, row) {
  const { vocab_size } = configs[model];
  return Array.from({ length: count }, (_, i) => ((i + 1) * (7919 + 104729 * row) + i * i) % vocab_size);
}

/** What a side runs of a task; less of it where it is slow, and least of all on mlx-lm's packed weights. */
export function specFor(side, { spec }) {
  if (!side.slow) return spec;
  if (spec.kind === "train") return { ...spec, steps: 1 };
  const [prompt, tokens] = side.form === "4bit" ? [spec.prompt.slice(0, 8), 4] : [spec.prompt, 16];
  return { ...spec, prompt, tokens, repeats: 1 };
}

/** Short tasks for the comparison of all sides before timing. */
export function checks(model) {
  const ids = tokenIds(model, 17, 0);
  return [
    { id: `${model} losses`, spec: { ...lora, batch: [ids], steps: 1 } },
    { id: `${model} tokens`, spec: { kind: "generate", prompt: ids, tokens: 7, repeats: 1 } },
  ];
}
