// llama.cpp's importance matrix in GGUF: tools/imatrix. Of each tensor NAME.in_sum2, sums of squares, and NAME.counts.
import { closeSync, openSync, readSync } from "node:fs";
import { dequantizeBlocks } from "../../core/blocks.ts";
import { scope } from "../../core/scope.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { ImportanceMatrix } from "./importance.ts";
import { readBytes, readGguf, type StoredTensor } from "./reader.ts";
import { bytesOf } from "./tensor-types.ts";
import { magic } from "./writer.ts";

/**
 * The importance matrix in a file that llama-imatrix wrote; undefined: the file is text, to measure it on.
 * @throws UserError when it is neither.
 */
export function readImportance(path: string): ImportanceMatrix | undefined {
  const begin = firstBytes(path);
  if (begin.subarray(0, 4).toString("latin1") !== magic) {
    // Its older files are not text either.
    if (begin.includes(0)) throw new UserError("gguf/no-imatrix", { path });
    return undefined;
  }
  const { metadata, tensors } = readGguf(path);
  if (metadata.get("general.type")?.value !== "imatrix") throw new UserError("gguf/no-imatrix", { path });
  const matrix: ImportanceMatrix = new Map();
  for (const [name, sums] of tensors) {
    const [, tensor] = /^(.+)\.in_sum2$/.exec(name) ?? [];
    const counts = tensor === undefined ? undefined : tensors.get(`${tensor}.counts`);
    if (tensor !== undefined && counts) matrix.set(tensor, means(values(sums), values(counts)));
  }
  return matrix;
}

function means(sums: Float32Array, counts: Float32Array): Float32Array {
  const columns = sums.length / counts.length;
  return sums.map((sum, i) => {
    const count = counts[Math.floor(i / columns)] ?? 0;
    return count > 0 ? sum / count : 1;
  });
}

function values(tensor: StoredTensor): Float32Array {
  const bytes = readBytes(tensor, 0, bytesOf(tensor.type, tensor.shape));
  return scope(() => dequantizeBlocks(bytes, tensor.type, tensor.shape).toFloat32());
}

function firstBytes(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    throw new UserError("file/absent", { path });
  }
  try {
    const buffer = Buffer.alloc(1024);
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}
