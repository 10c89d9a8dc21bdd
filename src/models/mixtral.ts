// Reference: mlx-lm models/mixtral.py. Mixtral 8x7B and 8x22B: Mistral with a mixture of experts in every block.
import { z } from "zod";
import * as fast from "../core/fast.ts";
import type { KeyValueStore } from "../core/head-attention.ts";
import type { Weights } from "../core/safetensors.ts";
import type { Tensor } from "../core/tensor.ts";
import { Module } from "../nn/module.ts";
import { RMSNorm } from "../nn/norm.ts";
import type { Block } from "./language-model.ts";
import { Attention, type AttentionOptions, Llama } from "./llama.ts";
import { MistralConfig } from "./mistral.ts";
import { SparseMLP, stackExperts } from "./sparse-mlp.ts";

export const MixtralConfig = MistralConfig.extend({
  num_local_experts: z.int().default(8),
  num_experts_per_tok: z.int().default(2),
});
export type MixtralConfig = z.infer<typeof MixtralConfig>;

const attention: AttentionOptions = { qkvBias: false, outputBias: false, qkNorm: false, defaultTheta: 1_000_000 };

export class MixtralBlock extends Module implements Block {
  self_attn: Attention;
  block_sparse_moe: SparseMLP;
  input_layernorm: RMSNorm;
  post_attention_layernorm: RMSNorm;

  constructor(config: MixtralConfig) {
    super();
    this.self_attn = new Attention(config, attention);
    this.block_sparse_moe = new SparseMLP({
      hiddenSize: config.hidden_size,
      intermediateSize: config.intermediate_size,
      expertCount: config.num_local_experts,
      chosenCount: config.num_experts_per_tok,
      normalize: true,
    });
    this.input_layernorm = new RMSNorm(config.hidden_size, config.rms_norm_eps);
    this.post_attention_layernorm = new RMSNorm(config.hidden_size, config.rms_norm_eps);
  }

  forward(x: Tensor, mask: fast.AttentionMask, cache?: KeyValueStore): Tensor {
    const [normed, start] = this.input_layernorm.residual(x);
    const attended = this.self_attn.forward(normed, mask, cache);
    const [normedAgain, h] = this.post_attention_layernorm.residual(start, attended);
    return fast.add(h, this.block_sparse_moe.forward(normedAgain));
  }
}

export class Mixtral extends Llama {
  declare readonly config: MixtralConfig;

  constructor(config: MixtralConfig) {
    super(config, attention, () => new MixtralBlock(config));
  }

  override sanitize(weights: Weights): Weights {
    return stackExperts(super.sanitize(weights), this.config.num_local_experts);
  }
}
