import type { BlockType } from "../../core/blocks.ts";

// llama.cpp's types of files: `enum llama_ftype` of include/llama.h, and the type that most of their tensors have.

export const fileTypes = {
  f32: { id: 0, type: "f32" },
  f16: { id: 1, type: "f16" },
  bf16: { id: 32, type: "bf16" },
  q8_0: { id: 7, type: "q8_0" },
  q6_k: { id: 18, type: "q6_k" },
  q5_k_m: { id: 17, type: "q5_k" },
  q5_k_s: { id: 16, type: "q5_k" },
  q5_1: { id: 9, type: "q5_1" },
  q5_0: { id: 8, type: "q5_0" },
  q4_k_m: { id: 15, type: "q4_k" },
  q4_k_s: { id: 14, type: "q4_k" },
  iq4_nl: { id: 25, type: "iq4_nl" },
  q4_1: { id: 3, type: "q4_1" },
  q4_0: { id: 2, type: "q4_0" },
  q3_k_l: { id: 13, type: "q3_k" },
  q3_k_m: { id: 12, type: "q3_k" },
  q3_k_s: { id: 11, type: "q3_k" },
  q2_k: { id: 10, type: "q2_k" },
} as const satisfies Record<string, { id: number; type: BlockType }>;
export type FileType = keyof typeof fileTypes;

/** From the most bits to the fewest. */
export const fileTypeNames = [
  "f32",
  "f16",
  "bf16",
  "q8_0",
  "q6_k",
  "q5_k_m",
  "q5_k_s",
  "q5_1",
  "q5_0",
  "q4_k_m",
  "q4_k_s",
  "iq4_nl",
  "q4_1",
  "q4_0",
  "q3_k_l",
  "q3_k_m",
  "q3_k_s",
  "q2_k",
] as const satisfies readonly FileType[];
