import type { TensorType } from "./tensor-types.ts";

// llama.cpp's types of files: `enum llama_ftype` of include/llama.h, and the type that most of their tensors have.

export const fileTypes = {
  f32: { id: 0, type: "f32" },
  f16: { id: 1, type: "f16" },
  bf16: { id: 32, type: "bf16" },
} as const satisfies Record<string, { id: number; type: TensorType }>;
export type FileType = keyof typeof fileTypes;

export const fileTypeNames = ["f32", "f16", "bf16"] as const satisfies readonly FileType[];
