import { type SampleOptions, sample } from "../core/kernels.ts";
import {
  arange,
  argpartition,
  argsort,
  cumsum,
  full,
  putAlongAxis,
  takeAlongAxis,
  tensor,
  where,
  zeros,
} from "../core/ops.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";

// B batch · V vocabulary

/** How the next token is chosen. Filters apply in this order, to the distribution at temperature 1, as in mlx-lm. */
export interface Sampling {
  /** 0 takes the likeliest token. */
  temperature: number;
  /** Keeps the likeliest tokens that together reach this probability. Holtzman et al. 2019, arXiv:1904.09751. */
  topP: number;
  /** Keeps tokens at least this fraction as likely as the likeliest. Nguyen et al. 2024, arXiv:2407.01082. */
  minP: number;
  /** Keeps this many tokens; 0 keeps all. */
  topK: number;
  /** Added to the logits of single tokens, by id. */
  logitBias: ReadonlyMap<number, number>;
}

export const greedy: Sampling = { temperature: 0, topP: 1, minP: 0, topK: 0, logitBias: new Map() };

export interface Choice {
  /** [B] */
  ids: Tensor;
  /** log p of the chosen token under the model's own distribution: [B], float32. */
  logprobs: Tensor;
}

/** Chooses tokens from logits [B, V]. */
export class Sampler {
  readonly #options: SampleOptions;

  constructor({ temperature, topP, minP, topK, logitBias }: Sampling, vocabularySize: number) {
    this.#options = {
      temperature,
      topP: topP > 0 && topP < 1 ? topP : 1,
      minP,
      topK: topK < vocabularySize ? topK : 0,
      bias: logitBias.size > 0 ? biasVector(logitBias, vocabularySize) : undefined,
    };
  }

  /** A seed repeats its draws on the same path only: our kernel takes one random number a row, MLX's operations one a token. */
  choose(logits: Tensor): Choice {
    return sample(logits, this.#options) ?? this.#chooseInSteps(logits);
  }

  #chooseInSteps(rawLogits: Tensor): Choice {
    const { bias } = this.#options;
    const logits = bias ? rawLogits.astype("float32").add(bias) : rawLogits;
    const logprobs = logits.subtract(logits.logsumexp(-1, true)); // [B, V]
    const ids = this.#draw(logprobs);
    return { ids, logprobs: takeAlongAxis(logprobs, ids.expandDims(1), 1).squeeze(1).astype("float32") };
  }

  #draw(logprobs: Tensor): Tensor {
    const { temperature, topP, minP, topK } = this.#options;
    if (temperature === 0) return logprobs.argmax(-1);
    let kept = logprobs;
    if (topP < 1) kept = nucleus(kept, topP);
    if (minP > 0) kept = above(kept, minP);
    if (topK > 0) kept = likeliest(kept, topK);
    return random.categorical(kept.multiply(1 / temperature));
  }

  dispose(): void {
    this.#options.bias?.dispose();
  }
}

function nucleus(logprobs: Tensor, topP: number): Tensor {
  const order = argsort(logprobs, -1); // ascending
  const cumulative = cumsum(takeAlongAxis(logprobs, order, -1).exp(), -1);
  const [rows = 1, size = 0] = logprobs.shape;
  const places = putAlongAxis(
    zeros(order.shape, "uint32"),
    order,
    arange(0, size, 1, "uint32").broadcastTo(rows, size),
    -1,
  );
  return masked(takeAlongAxis(cumulative, places, -1).greater(1 - topP), logprobs);
}

function above(logprobs: Tensor, minP: number): Tensor {
  return masked(logprobs.greaterEqual(logprobs.max(-1, true).add(Math.log(minP))), logprobs);
}

function likeliest(logprobs: Tensor, topK: number): Tensor {
  const others = argpartition(logprobs.negative(), topK - 1, -1).slice(1, topK);
  return putAlongAxis(logprobs, others, full([1, 1], Number.NEGATIVE_INFINITY, logprobs.dtype), -1);
}

function masked(kept: Tensor, logprobs: Tensor): Tensor {
  return where(kept, logprobs, full([1, 1], Number.NEGATIVE_INFINITY, logprobs.dtype));
}

function biasVector(bias: ReadonlyMap<number, number>, size: number): Tensor {
  const values = new Float32Array(size);
  for (const [id, value] of bias) values[id] = value;
  return tensor(values);
}
