import { copyFileSync, existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { exportGguf } from "../src/convert/gguf/export-gguf.ts";
import { integers } from "../src/core/ops.ts";
import { saveSafetensors } from "../src/core/safetensors.ts";
import { scope } from "../src/core/scope.ts";
import type { LanguageModel } from "../src/models/language-model.ts";
import { toyConfig, toyModel } from "./toys.ts";

const tiny = resolve(import.meta.dirname, "../assets/cygnet-tiny");

/** A toy of every architecture that llama.cpp knows, and of what sets their files apart. */
export const ggufToys: [string, string, Record<string, unknown>][] = [
  ["llama", "llama", {}],
  ["llama with biases, untied", "llama", { attention_bias: true, mlp_bias: true, tie_word_embeddings: false }],
  ["llama 3 rope", "llama", { rope_scaling: { rope_type: "llama3", factor: 8, original_max_position_embeddings: 32 } }],
  ["llama, linear rope", "llama", { rope_scaling: { rope_type: "linear", factor: 4 } }],
  ["llama, a head size of its own", "llama", { head_dim: 32 }],
  ["mistral", "mistral", { num_key_value_heads: 1, rope_theta: 1_000_000 }],
  ["mixtral", "mixtral", { num_local_experts: 3 }],
  ["qwen2", "qwen2", { head_dim: undefined, tie_word_embeddings: false }],
  ["qwen3", "qwen3", {}],
  [
    "qwen3_moe",
    "qwen3_moe",
    { num_experts: 5, num_experts_per_tok: 3, moe_intermediate_size: 32, norm_topk_prob: true },
  ],
];

/** A toy with the vocabulary that lies in the folder `tokenizer`, as a model folder. */
export function toyFolder(type: string, changes: Record<string, unknown>, tokenizer = tiny): string {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-gguf-"));
  const size = { hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, head_dim: 16, vocab_size: 4096 };
  const config = toyConfig(type, { ...size, max_position_embeddings: 256, ...changes });
  const model = toyModel(type, { ...size, ...changes });
  saveSafetensors(join(folder, "model.safetensors"), model.parameters());
  model.dispose();
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    if (existsSync(join(tokenizer, name))) copyFileSync(join(tokenizer, name), join(folder, name));
  }
  return folder;
}

/** The F32 file of a model, or the first of its files. */
export async function exported(source: string, changes: Record<string, unknown> = {}): Promise<string> {
  const output = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "model.gguf");
  const options = { source, name: source, output, type: "f32" as const, force: false, version: "0", ...changes };
  return (await exportGguf(options)).paths[0] ?? "";
}

/** For each token the logarithms of the probabilities of all that may follow. */
export function logProbabilities(model: LanguageModel, ids: readonly number[]): number[][] {
  const values = scope(() => {
    const logits = model.forward(integers(ids, [1, ids.length])).astype("float32");
    return logits.subtract(logits.logsumexp(-1, true));
  });
  const [, count = 0, size = 0] = values.shape;
  const flat = values.toArray();
  values.dispose();
  return Array.from({ length: count }, (_, i) => flat.slice(i * size, (i + 1) * size));
}

export function largestDifference(a: readonly number[][], b: readonly number[][]): number {
  expect(b.map((row) => row.length)).toEqual(a.map((row) => row.length));
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? Number.NaN)))));
}
