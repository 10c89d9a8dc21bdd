import type { AttentionMask } from "../core/fast.ts";
import type { KeyValueStore } from "../core/head-attention.ts";
import type { Quantization } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import type { Tensor } from "../core/tensor.ts";
import type { EmbeddingLayer } from "../nn/embedding.ts";
import type { LinearLayer } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { type Cache, KVCache } from "./cache.ts";
import { RotatingKVCache } from "./rotating-cache.ts";

// B batch · L tokens · D hidden · V vocabulary

/** Facts that every family's config gives. */
export interface LanguageModelConfig {
  model_type: string;
  hidden_size: number;
  num_hidden_layers: number;
  vocab_size: number;
}

/** A decoder: tokens to hidden states to logits. One file of this folder for each `model_type`. */
export abstract class LanguageModel extends Module {
  abstract readonly config: LanguageModelConfig;

  /** The transformer blocks, first to last. */
  abstract get blocks(): Block[];

  /** tokens: [B, L] integers → what the first block takes, [B, L, D]. */
  abstract embed(tokens: Tensor): Tensor;

  /** What the last block gives, normalized: [..., D] → [..., D]. */
  abstract normalize(h: Tensor): Tensor;

  /** The output layer, or the embedding table when they are one. */
  abstract get head(): LinearLayer | EmbeddingLayer;

  /** [..., D] → logits [..., V]. */
  abstract logits(hidden: Tensor): Tensor;

  /** tokens: [B, L] integers → normalized hidden states [B, L, D]. */
  hidden(tokens: Tensor, cache?: readonly KeyValueStore[]): Tensor {
    const mask = causalMask(tokens);
    const embedded = this.embed(tokens);
    return this.normalize(this.blocks.reduce((h, block, i) => block.forward(h, mask, cache?.[i]), embedded));
  }

  /** tokens: [B, L] → logits [B, L, V]. */
  forward(tokens: Tensor, cache?: readonly KeyValueStore[]): Tensor {
    return this.logits(this.hidden(tokens, cache));
  }

  /** Weights as the checkpoint names them → as the fields are named. */
  sanitize(weights: Weights): Weights {
    return weights;
  }

  /** How the layer at `path` is quantized whatever the others are; undefined: as they are. */
  quantizationOf(_path: string): Quantization | undefined {
    return undefined;
  }

  /** One for each layer. maxSize: tokens that each keeps at most, the first few and the latest; default: all. */
  makeCache({ maxSize }: { maxSize?: number | undefined } = {}): Cache[] {
    return this.blocks.map(() => (maxSize === undefined ? new KVCache() : new RotatingKVCache({ maxSize })));
  }
}

/** What a transformer block is to the model around it. x: [B, L, D] → [B, L, D]. */
export interface Block extends Module {
  forward(x: Tensor, mask: AttentionMask, cache?: KeyValueStore): Tensor;
}

/** One new token sees everything before it; several see only up to their own place. x: [B, L, …] */
export function causalMask(x: Tensor): AttentionMask {
  return x.dim(1) > 1 ? "causal" : "none";
}
