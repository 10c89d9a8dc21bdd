import { type FileType, fileTypes } from "./file-types.ts";
import type { TensorType } from "./tensor-types.ts";

/** What a tensor is stored as in a file of type `file`: llama.cpp's choice. shape: rows before columns */
export function tensorType(name: string, shape: readonly number[], file: FileType): TensorType {
  return shape.length < 2 || isKept(name) ? "f32" : fileTypes[file].type;
}

/** Norms, and the router, which chooses between close scores. */
function isKept(name: string): boolean {
  return !name.endsWith(".weight") || name.endsWith("_norm.weight") || name.endsWith(".ffn_gate_inp.weight");
}
