// Reference: mlx-lm models/qwen2.py. Qwen2, Qwen2.5, Qwen2.5-Coder: Llama with biases on queries, keys and values.
import { Llama, LlamaConfig } from "./llama.ts";

export const Qwen2Config = LlamaConfig;

export class Qwen2 extends Llama {
  constructor(config: LlamaConfig) {
    super(config, { qkvBias: true, outputBias: false, qkNorm: false, defaultTheta: 1_000_000 });
  }
}
