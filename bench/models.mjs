// The models of the benchmark: Hugging Face folders with random weights from a fixed seed, in .bench/models, and the same
// numbers in half precision and packed. Run as a program, `node bench/models.mjs NAME FORM` writes one of them.
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

/** The forms in which weights lie in folders of their own, and the dtype that each is computed in. */
export const forms = {
  f32: { dtype: "float32" },
  bf16: { dtype: "bfloat16" },
  "8bit": { dtype: "bfloat16", bits: 8 },
  "4bit": { dtype: "bfloat16", bits: 4 },
};

export function modelFolder(name, form) {
  return join(root, ".bench/models", form === "f32" ? name : `${name}-${form}`);
}

/** The model in one of llama.cpp's types, with the words of `words.mjs` as its vocabulary. */
export function ggufFile(name, type) {
  return join(root, ".bench/gguf-with-words", `${name}-${type}.gguf`);
}

export function isWritten(name, form) {
  return existsSync(join(modelFolder(name, form), "model.safetensors"));
}

/** Writes into a folder beside and renames it, so that a stopped run leaves no half model. */
async function writeRandom(name) {
  const random = await import("../dist/core/random.js");
  const { saveSafetensors } = await import("../dist/core/safetensors.js");
  const { buildModel } = await import("../dist/models/load.js");
  const folder = modelFolder(name, "f32");
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

/** Rounds the float32 weights to bfloat16 and packs them when the form has bits, in groups of 64 columns. */
async function writeForm(name, form) {
  const { loadModel } = await import("../dist/models/load.js");
  const { saveModel } = await import("../dist/convert/save-model.js");
  const source = modelFolder(name, "f32");
  const { dtype, bits } = forms[form];
  const model = loadModel(source, { dtype });
  const config = { ...configs[name], torch_dtype: dtype };
  if (bits) config.quantization = await pack(model, { group_size: 64, bits, mode: "affine" });
  await saveModel({ model, config, source, target: modelFolder(name, form), force: true });
}

/** Replaces all linear layers and the embedding by packed ones. */
async function pack(model, quantization) {
  const { Linear } = await import("../dist/nn/linear.js");
  const { Embedding } = await import("../dist/nn/embedding.js");
  const { QuantizedEmbedding, QuantizedLinear } = await import("../dist/nn/quantized.js");
  for (const [path, layer] of [...model.modules()]) {
    if (layer instanceof Linear) model.replace(path, QuantizedLinear.from(layer, quantization));
    if (layer instanceof Embedding) model.replace(path, QuantizedEmbedding.from(layer, quantization));
  }
  return quantization;
}

if (process.argv[1] === import.meta.filename) {
  const [, , name, form] = process.argv;
  await (form === "f32" ? writeRandom(name) : writeForm(name, form));
}
