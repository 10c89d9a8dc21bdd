import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { dequantizeBlocks } from "../../core/blocks.ts";
import { scope } from "../../core/scope.ts";
import { requireRoom, writeFolder } from "../target-folder.ts";
import { importedConfig } from "./imported-config.ts";
import { importedTokenizer } from "./imported-tokenizer.ts";
import { naturalDtype, type WeightDtype, writeWeights } from "./imported-weights.ts";
import { type GgufFile, readBytes, readGguf } from "./reader.ts";
import { bytesOf } from "./tensor-types.ts";

export interface ImportOptions {
  /** Of the weights; default: see `naturalDtype`. */
  dtype?: WeightDtype | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Writes the model in a GGUF file as a model folder: weights in floating point, config.json and a tokenizer.json made of
 * the file's vocabulary.
 * @throws UserError when the file is damaged or holds what Cygnet does not compute; nothing is written then.
 */
export async function importGguf(path: string, target: string, { dtype, signal }: ImportOptions = {}): Promise<void> {
  const file = readGguf(path);
  const chosen = dtype ?? naturalDtype(file);
  const imported = importedConfig(file, ropeFactorsOf(file));
  const texts = {
    "config.json": JSON.stringify({ ...imported.config, torch_dtype: chosen }, null, 2),
    ...importedTokenizer(file),
  };
  const elements = [...file.tensors.values()].reduce((sum, { shape }) => sum + bytesOf("f32", shape) / 4, 0);
  requireRoom(target, elements * (chosen === "float32" ? 4 : 2));
  const write = async (folder: string): Promise<void> => {
    for (const [name, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    writeWeights(join(folder, "model.safetensors"), file, imported, chosen, signal);
    await setImmediate(); // an interrupt that came while files were written is heard now
    signal?.throwIfAborted();
  };
  await writeFolder(target, write, signal);
}

function ropeFactorsOf({ tensors }: GgufFile): Float32Array | undefined {
  const stored = tensors.get("rope_freqs.weight");
  if (!stored) return undefined;
  const bytes = readBytes(stored, 0, bytesOf(stored.type, stored.shape));
  return scope(() => dequantizeBlocks(bytes, stored.type, stored.shape).toFloat32());
}
