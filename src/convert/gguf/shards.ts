import { bytesOf } from "./tensor-types.ts";
import type { GgufTensor } from "./writer.ts";

/** llama.cpp's names of the files of one model: `F-00001-of-00003.gguf`. path: of the model, or of one of them. */
export function shardNames(path: string, count: number): string[] {
  const stem = path.replace(/(-\d{5}-of-\d{5})?\.gguf$/, "");
  return Array.from({ length: count }, (_, i) => `${stem}-${padded(i + 1)}-of-${padded(count)}.gguf`);
}

/** Tensors in order, cut where a file would have more than `maxBytes`; one that is larger has a file to itself. */
export function intoShards(tensors: readonly GgufTensor[], maxBytes: number): GgufTensor[][] {
  const shards: GgufTensor[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor.type, tensor.shape);
    if (size > 0 && size + bytes > maxBytes) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(tensor);
    size += bytes;
  }
  return shards;
}

function padded(count: number): string {
  return String(count).padStart(5, "0");
}
