// What is measured. Token ids are fixed numbers: no tokenizer has a part in it.
import { configs } from "./models.mjs";

/**
 * `spec` goes to the task scripts, with the model that each side computes on. `without`: sides that would take minutes a
 * step, or more memory than most machines have.
 * @typedef {{ id: string, title: string, model: string, without?: RegExp, spec: object }} Task
 */

const lora = { kind: "train", rank: 8, scale: 20, learningRate: 1e-5, seed: 0 };

/** Prompts that are answered together. */
export const rowCounts = [1, 4, 16];

/** Clients of a server at a time. */
export const clientCounts = [1, 10, 50];

export const tasks = [
  train("small", { rows: 1, tokens: 128, steps: 8 }),
  train("small", { rows: 4, tokens: 512, steps: 3 }),
  generate("small"),
  rows("small"),
  load("small"),
  convert("small"),
  products("small"),
  serve("small", [10, 40, 100]),
  train("qwen3-0.6b", { rows: 1, tokens: 128, steps: 4 }),
  { ...train("qwen3-0.6b", { rows: 1, tokens: 512, steps: 2 }), without: /^shipped/ },
  { ...train("qwen3-0.6b", { rows: 4, tokens: 512, steps: 1 }), without: /^(shipped|openblas|mlx|torch-f32)/ },
  generate("qwen3-0.6b"),
  { ...rows("qwen3-0.6b"), without: /-f32$/ },
  load("qwen3-0.6b"),
  convert("qwen3-0.6b"),
  products("qwen3-0.6b"),
  serve("qwen3-0.6b", [3, 20, 50]),
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

function rows(model) {
  const prompts = Array.from({ length: Math.max(...rowCounts) }, (_, row) => tokenIds(model, 128, row));
  const spec = { kind: "rows", prompts, counts: rowCounts, tokens: 16 };
  return { id: `${model}/rows`, title: "prompts together", model, spec };
}

function load(model) {
  return { id: `${model}/load`, title: "load", model, spec: { kind: "load", prompt: tokenIds(model, 1, 0) } };
}

function convert(model) {
  return { id: `${model}/convert`, title: "convert", model, spec: { kind: "convert", groupSize: 64 } };
}

function products(model) {
  return { id: `${model}/products`, title: "products", model, spec: { kind: "products" } };
}

/** requests: for each count of clients */
function serve(model, requests) {
  const levels = clientCounts.map((clients, i) => ({ clients, requests: requests[i] }));
  return {
    id: `${model}/serve`,
    title: "serve",
    model,
    spec: { kind: "serve", levels, promptTokens: 128, tokens: 128 },
  };
}

/** Ids spread over the vocabulary, other ones for each row. */
function tokenIds(model, count, row) {
  const { vocab_size } = configs[model];
  return Array.from({ length: count }, (_, i) => ((i + 1) * (7919 + 104729 * row) + i * i) % vocab_size);
}

/** What a side runs of a task; less of it where it is slow, and least of all on mlx-lm's packed weights. */
export function specFor(side, { spec }) {
  const less = side.slow ? lessOf[spec.kind] : undefined;
  return less ? { ...spec, ...less(spec, side.form === "4bit") } : spec;
}

const lessOf = {
  train: () => ({ steps: 1 }),
  generate: ({ prompt }, least) => ({ prompt: prompt.slice(0, least ? 8 : 128), tokens: least ? 4 : 16, repeats: 1 }),
  rows: ({ prompts, counts }, least) => ({
    prompts: prompts.map((prompt) => prompt.slice(0, least ? 2 : 8)),
    counts: counts.slice(0, least ? 2 : 3),
    tokens: least ? 1 : 2,
  }),
  serve: ({ levels }) => ({
    levels: levels.slice(0, 2).map(({ clients }) => ({ clients, requests: Math.max(2, clients) })),
    promptTokens: 16,
    tokens: 8,
  }),
};

/** Short tasks for the comparison of all sides before timing. */
export function checks(model) {
  const ids = tokenIds(model, 17, 0);
  const shorter = [5, 7, 3, 6].map((count, row) => tokenIds(model, count, row));
  return [
    { id: `${model} losses`, spec: { ...lora, batch: [ids], steps: 1 } },
    { id: `${model} rows`, spec: { kind: "rows", prompts: shorter, counts: [1, 4], tokens: 3 } },
    { id: `${model} tokens`, spec: { kind: "generate", prompt: ids, tokens: 7, repeats: 1 } },
  ];
}
