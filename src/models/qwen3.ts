// Reference: mlx-lm models/qwen3.py. Llama with normalized queries and keys and a head size of its own.
import { z } from "zod";
import { Llama, LlamaConfig } from "./llama.ts";

export const Qwen3Config = LlamaConfig.extend({ head_dim: z.int(), tie_word_embeddings: z.boolean() });

export class Qwen3 extends Llama {
  constructor(config: LlamaConfig) {
    super(config, { qkvBias: false, outputBias: false, qkNorm: true, defaultTheta: 1_000_000 });
  }
}
