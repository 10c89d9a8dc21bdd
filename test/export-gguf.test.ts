import { copyFileSync, existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { exportGguf } from "../src/convert/gguf/export-gguf.ts";
import { integers } from "../src/core/ops.ts";
import { saveSafetensors } from "../src/core/safetensors.ts";
import { scope } from "../src/core/scope.ts";
import type { LanguageModel } from "../src/models/language-model.ts";
import { loadModel } from "../src/models/load.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { hasLlamaCpp, loadInLlamaCpp } from "./llama-cpp.ts";
import { llamaCppVectors } from "./llama-cpp-vectors.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";
import { toyConfig, toyModel } from "./toys.ts";

const tiny = resolve(import.meta.dirname, "../assets/cygnet-tiny");

/** A toy with the vocabulary of `tokenizer`, as a model folder. */
function toyFolder(type: string, changes: Record<string, unknown>, tokenizer = tiny): string {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-gguf-"));
  const size = { hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, head_dim: 16, vocab_size: 4096 };
  const config = toyConfig(type, { ...size, max_position_embeddings: 256, ...changes });
  const model = toyModel(type, { ...size, ...changes });
  saveSafetensors(join(folder, "model.safetensors"), model.parameters());
  model.dispose();
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  copyTokenizer(tokenizer, folder);
  return folder;
}

function copyTokenizer(from: string, to: string): void {
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  }
}

function logProbabilities(model: LanguageModel, ids: readonly number[]): number[][] {
  const values = scope(() => {
    const logits = model.forward(integers(ids, [1, ids.length])).astype("float32");
    return logits.subtract(logits.logsumexp(-1, true));
  });
  const [, count = 0, size = 0] = values.shape;
  const flat = values.toArray();
  values.dispose();
  return Array.from({ length: count }, (_, i) => flat.slice(i * size, (i + 1) * size));
}

function largestDifference(a: readonly number[][], b: readonly number[][]): number {
  expect(b.map((row) => row.length)).toEqual(a.map((row) => row.length));
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? Number.NaN)))));
}

async function exported(source: string, changes: Record<string, unknown> = {}): Promise<string> {
  const output = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "model.gguf");
  await exportGguf({ source, name: source, output, type: "f32", force: false, version: "0", ...changes });
  return output;
}

const families: [string, string, Record<string, unknown>][] = [
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

describe.skipIf(!hasLlamaCpp)("in llama.cpp", () => {
  test.each(families)("%s gives the same logits", async (_, type, changes) => {
    const folder = toyFolder(type, changes);
    const model = loadModel(folder, { dtype: "float32" });
    const loaded = await loadInLlamaCpp(await exported(folder));
    const ids = Array.from({ length: 24 }, (_, i) => (i * 331 + 7) % 4096);
    expect(largestDifference(logProbabilities(model, ids), await loaded.logProbabilities(ids))).toBeLessThan(1e-3);
    await loaded.dispose();
    model.dispose();
  });
});

describe.skipIf(!hasLlamaCpp || !hasSharedData)("real vocabularies in llama.cpp", () => {
  // The vocabulary, and the texts that are in its style.
  test.each([
    ["llama-3.1", "llama-bpe", 128_256],
    ["qwen2.5", "qwen2", 151_936],
    ["qwen3", "qwen2", 151_936],
    ["phi-2", "gpt-2", 51_200],
    ["phi-3-mini", "phi-3", 32_064],
    ["mistral-v0.3", "phi-3", 32_768],
  ])("%s cuts texts as our tokenizer does", async (name, texts, vocab_size) => {
    const source = join(sharedData, "tokenizers", name);
    const folder = toyFolder("llama", { vocab_size, hidden_size: 8, head_dim: 2, intermediate_size: 8 }, source);
    const tokenizer = await Tokenizer.load(folder);
    const loaded = await loadInLlamaCpp(await exported(folder));
    for (const { text } of llamaCppVectors(texts)) {
      const expected = await tokenizer.encode(text, { addSpecialTokens: false });
      expect(loaded.tokenize(text), JSON.stringify(text)).toEqual(expected);
    }
    expect(loaded.bos === tokenizer.bosTokenId || tokenizer.bosTokenId === undefined).toBe(true);
    expect(loaded.eos).toBe(tokenizer.eosTokenId);
    await loaded.dispose();
  });

  test("stories260K: tokens and logits", async () => {
    const folder = join(sharedData, "stories260K");
    const tokenizer = await Tokenizer.load(folder);
    const model = loadModel(folder, { dtype: "float32" });
    const loaded = await loadInLlamaCpp(await exported(folder));
    for (const { text } of llamaCppVectors("phi-3")) {
      const expected = await tokenizer.encode(text, { addSpecialTokens: false });
      expect(loaded.tokenize(text), JSON.stringify(text)).toEqual(expected);
    }
    const ids = await tokenizer.encode("Once upon a time, there was a little girl named Lily.");
    expect(largestDifference(logProbabilities(model, ids), await loaded.logProbabilities(ids))).toBeLessThan(1e-3);
    await loaded.dispose();
    model.dispose();
  });
});
