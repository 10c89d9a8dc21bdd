// The models of the benchmark: Hugging Face folders with random float32 weights from a fixed seed, in .bench/models.
// Run as a program, `node bench/models.mjs NAME` writes one of them.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

const qwen3 = {
  architectures: ["Qwen3ForCausalLM"],
  model_type: "qwen3",
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  max_position_embeddings: 40960,
  tie_word_embeddings: true,
  torch_dtype: "float32",
};

export const configs = {
  /** 27 million parameters. */
  small: {
    ...qwen3,
    hidden_size: 512,
    num_hidden_layers: 8,
    intermediate_size: 1344,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 64,
    vocab_size: 8192,
  },
  /** The shape of Qwen/Qwen3-0.6B: 596 million parameters. */
  "qwen3-0.6b": {
    ...qwen3,
    hidden_size: 1024,
    num_hidden_layers: 28,
    intermediate_size: 3072,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: 128,
    vocab_size: 151936,
  },
};

export function modelFolder(name) {
  return join(root, ".bench/models", name);
}

export function isWritten(name) {
  return existsSync(join(modelFolder(name), "model.safetensors"));
}

/** Writes into a folder beside and renames it, so that a stopped run leaves no half model. */
async function write(name) {
  const random = await import("../dist/core/random.js");
  const { saveSafetensors } = await import("../dist/core/safetensors.js");
  const { buildModel } = await import("../dist/models/load.js");
  const folder = modelFolder(name);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  random.seed(20);
  const model = buildModel(configs[name], name);
  writeFileSync(join(partial, "config.json"), `${JSON.stringify(configs[name], null, 2)}\n`);
  saveSafetensors(join(partial, "model.safetensors"), model.parameters(), { format: "mlx" });
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

if (process.argv[1] === import.meta.filename) await write(process.argv[2]);
