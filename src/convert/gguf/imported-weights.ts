import { closeSync, openSync, writeSync } from "node:fs";
import { dequantizeBlocks } from "../../core/blocks.ts";
import { integers } from "../../core/ops.ts";
import { scope } from "../../core/scope.ts";
import { UserError } from "../../protocol/user-error.ts";
import { rotatesPairs } from "./architecture.ts";
import type { ImportedConfig } from "./imported-config.ts";
import { type GgufFile, readBytes, type StoredTensor } from "./reader.ts";
import { halvesOrder } from "./rotation.ts";
import { layerPath } from "./tensor-names.ts";
import { bytesOf, slabElements } from "./tensor-types.ts";

export type WeightDtype = "float32" | "float16" | "bfloat16";
const safetensorsDtypes = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

/** The dtype that keeps most of what a file holds in the least room: that of its largest tensors, float16 for packed ones. */
export function naturalDtype({ tensors }: GgufFile): WeightDtype {
  const largest = [...tensors.values()].sort((a, b) => bytesOf("f32", b.shape) - bytesOf("f32", a.shape))[0];
  if (largest?.type === "f32") return "float32";
  return largest?.type === "bf16" ? "bfloat16" : "float16";
}

interface Weight {
  path: string;
  stored: StoredTensor;
  /** Rows are put back from the order of models that rotate neighbours. */
  isRotated: boolean;
}

/** Writes the weights as one safetensors file, some rows at a time. */
export function writeWeights(
  target: string,
  file: GgufFile,
  { modelType, headSize }: ImportedConfig,
  dtype: WeightDtype,
  signal?: AbortSignal,
): void {
  const weights = [...file.tensors.values()].flatMap((stored) => weightOf(stored, file.path, modelType));
  const bytes = dtype === "float32" ? 4 : 2;
  const size = ({ shape }: StoredTensor) => shape.reduce((a, b) => a * b, bytes);
  let offset = 0;
  const entries = weights.map(({ path, stored }) => {
    const data_offsets = [offset, offset + size(stored)];
    offset += size(stored);
    return [path, { dtype: safetensorsDtypes[dtype], shape: stored.shape, data_offsets }] as const;
  });
  const json = JSON.stringify({ __metadata__: { format: "mlx" }, ...Object.fromEntries(entries) });
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const output = openSync(target, "wx");
  try {
    for (const piece of [length, header]) writeAll(output, piece);
    for (const weight of weights) {
      for (const piece of pieces(weight, headSize, dtype)) writeAll(output, piece);
      signal?.throwIfAborted();
    }
  } finally {
    closeSync(output);
  }
}

// A disk that fills takes a part first, and refuses the rest.
function writeAll(output: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(output, bytes, written);
}

function weightOf(stored: StoredTensor, file: string, modelType: string): Weight[] {
  if (stored.name === "rope_freqs.weight") return []; // in config.json
  const [, layer = "", kind = ""] = /^(.+)\.(weight|bias)$/.exec(stored.name) ?? [];
  const path = layerPath(layer, modelType);
  if (path === undefined) throw new UserError("gguf/unknown-tensor", { path: file, name: stored.name });
  return [{ path: `${path}.${kind}`, stored, isRotated: rotatesPairs(modelType) && /\.[qk]_proj$/.test(path) }];
}

function* pieces({ stored, isRotated }: Weight, headSize: number, dtype: WeightDtype): Generator<Uint8Array> {
  const { type, shape } = stored;
  const columns = isRotated && shape.length === 1 ? 1 : (shape.at(-1) ?? 1);
  const rows = shape.reduce((a, b) => a * b, 1) / columns;
  // Whole heads, since rows change places within them.
  const unit = isRotated ? headSize : 1;
  const step = unit * Math.max(1, Math.floor(slabElements / columns / unit));
  for (let start = 0; start < rows; start += step) {
    const count = Math.min(step, rows - start);
    const slab = [count, columns];
    const bytes = readBytes(stored, bytesOf(type, [start, columns]), bytesOf(type, slab));
    yield scope(() => {
      const values = dequantizeBlocks(bytes, type, slab);
      const ordered = isRotated ? values.take(integers(halvesOrder(count, headSize)), 0) : values;
      return ordered.astype(dtype).toBytes();
    });
  }
}
