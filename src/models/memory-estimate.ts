// What a model needs in memory, from its shape alone.
// D hidden · H query heads · K key/value heads · E head size · I intermediate · V vocabulary

import { z } from "zod";

const count = z.int().min(1);

/** The sizes in a config.json that decide how much memory a decoder takes. */
export const ModelShape = z
  .looseObject({
    hidden_size: count,
    num_hidden_layers: count,
    intermediate_size: count,
    num_attention_heads: count,
    num_key_value_heads: count.nullish(),
    head_dim: count.nullish(),
    vocab_size: count,
    tie_word_embeddings: z.boolean().default(false),
    num_experts: count.nullish(),
    num_local_experts: count.nullish(),
    num_experts_per_tok: count.nullish(),
    moe_intermediate_size: count.nullish(),
  })
  .transform((config) => {
    const heads = config.num_attention_heads;
    const experts = config.num_experts ?? config.num_local_experts ?? 1;
    return {
      hidden: config.hidden_size,
      layers: config.num_hidden_layers,
      /** Of one expert, where there are several. */
      intermediate: experts > 1 ? (config.moe_intermediate_size ?? config.intermediate_size) : config.intermediate_size,
      experts,
      /** Experts that a token goes through. */
      usedExperts: experts > 1 ? (config.num_experts_per_tok ?? 1) : 1,
      heads,
      kvHeads: config.num_key_value_heads ?? heads,
      headSize: config.head_dim ?? config.hidden_size / heads,
      vocabulary: config.vocab_size,
      isTied: config.tie_word_embeddings,
    };
  });
export type ModelShape = z.output<typeof ModelShape>;

/** How the machine computes. */
export interface ComputeFacts {
  /** Bytes of a number in the type that activations have: 2 in half precision. */
  activationBytes: number;
  /** Whether blocks are computed by our own kernels, which keep less than MLX's operations do. */
  hasKernels: boolean;
}

export interface TrainingFacts {
  rows: number;
  tokens: number;
  rank: number;
  /** Blocks with adapters, counted from the last. */
  tunedLayers: number;
  gradCheckpoint: boolean;
}

/** mlx-lm's defaults but for the batch, which the guides set to one row. */
export const commonTraining: TrainingFacts = {
  rows: 1,
  tokens: 1024,
  rank: 8,
  tunedLayers: 16,
  gradCheckpoint: false,
};
/** The conversation that is counted for answering. */
export const commonContext = 4096;

/** Prompt tokens that are computed at once. */
const prefillTokens = 2048;
/** Node, MLX and the tokenizer. */
const programBytes = 0.15e9;
/** A weight, its gradient and Adam's two moments, in float32. */
const trainedBytes = 16;
/** What MLX's operations keep for each value that our kernels keep, from the same step computed both ways: 1.3 to 1.6. */
const plainFactor = 1.6;

/** Parameters of a decoder of this shape; biases and norms of heads, which are few, are left out. */
export function parametersOf(shape: ModelShape): number {
  const { hidden: D, layers, intermediate: I, experts, vocabulary: V, isTied } = shape;
  const router = experts > 1 ? experts * D : 0;
  const block = attentionSize(shape) + 3 * D * I * experts + router + 2 * D;
  return layers * block + (isTied ? 1 : 2) * V * D + D;
}

/**
 * Bytes to answer with a context of `tokens`:
 *
 *   weights + 2 · layers · K E · tokens · b + min(tokens, 2048) · 8 e + 0.15 GB,   e = 3 I + 2 H E + 2 K E + 4 D
 *
 * the weights, the cache of keys and values, what one block works with on a part of the prompt (its e values of a token, in
 * float32 and twice), and the program. b: bytes of an activation. Measured on a CPU, Qwen3-0.6B: in bfloat16 after 512 tokens
 * 1.43 GB (estimated 1.48), in 4 bits after 2048 tokens 1.02 GB (estimated 1.04).
 */
export function memoryToRun(shape: ModelShape, weightBytes: number, tokens: number, compute: ComputeFacts): number {
  const cache = 2 * shape.layers * shape.kvHeads * shape.headSize * tokens * compute.activationBytes;
  const work = Math.min(tokens, prefillTokens) * 8 * blockValues(shape);
  return weightBytes + cache + work * factor(compute) + programBytes;
}

/**
 * Bytes to train LoRA adapters on all linear layers of the last blocks:
 *
 *   weights + rows · tokens · (tuned · e b + V b + 8 e) + 16 · adapters + 0.15 GB
 *
 * what the tuned blocks keep for their gradients, the gradient of the logits, what one block works with, and for each number
 * of the adapters itself, its gradient and Adam's two. With gradient checkpointing blocks keep only their input: tuned · D b
 * + e b. Without our kernels what is kept is up to 1.6 times as much. Measured on a CPU, Qwen3-0.6B, rank 8 on all 28 blocks, peak of
 * the process: bfloat16 1 × 512 2.28 GB (estimated 2.22), with checkpointing 1.69 (1.72); 4 bits 1 × 512 1.43 (1.36), 1 × 1024
 * 2.16 (2.15); float32 1 × 128 3.05 (2.99). A model of 27 million parameters, 4 × 512, takes 0.7 GB (0.6).
 * Models with experts are counted by the same formula and were not measured.
 */
export function memoryToTrain(
  shape: ModelShape,
  weightBytes: number,
  { rows, tokens, rank, tunedLayers, gradCheckpoint }: TrainingFacts,
  compute: ComputeFacts,
): number {
  const { activationBytes: b } = compute;
  const tuned = Math.min(tunedLayers, shape.layers);
  const values = blockValues(shape);
  const kept = gradCheckpoint ? tuned * shape.hidden + values : tuned * values;
  const perToken = kept * b + shape.vocabulary * b + 8 * values;
  const adapters = tuned * rank * adapterWidth(shape);
  return weightBytes + rows * tokens * perToken * factor(compute) + adapters * trainedBytes + programBytes;
}

/** Values of one token that a block keeps for its gradient: of the MLP, queries and their result, keys and values, the stream. */
function blockValues({ hidden, intermediate, usedExperts, heads, kvHeads, headSize }: ModelShape): number {
  return 3 * intermediate * usedExperts + 2 * heads * headSize + 2 * kvHeads * headSize + 4 * hidden;
}

function attentionSize({ hidden, heads, kvHeads, headSize }: ModelShape): number {
  return hidden * headSize * (2 * heads + 2 * kvHeads);
}

/** Inputs and outputs of a block's linear layers, those of all experts too: each has rank columns of A and of B. */
function adapterWidth({ hidden, intermediate, experts, heads, kvHeads, headSize }: ModelShape): number {
  const attention = 2 * (hidden + heads * headSize) + 2 * (hidden + kvHeads * headSize);
  return attention + 3 * experts * (hidden + intermediate);
}

function factor({ hasKernels }: ComputeFacts): number {
  return hasKernels ? 1 : plainFactor;
}
