import { type SampleOptions, sample } from "../core/kernels.ts";
import {
  arange,
  argpartition,
  argsort,
  cumsum,
  full,
  integers,
  putAlongAxis,
  takeAlongAxis,
  tensor,
  where,
  zeros,
} from "../core/ops.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { Penalties, type PenaltyOptions } from "./penalties.ts";

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
  /** What `minP` keeps at least. */
  minTokensToKeep?: number;
  /** Leaves out the likeliest tokens, now and then. */
  xtc?: Xtc | undefined;
  /** What tokens of the text so far lose, after `logitBias`. */
  penalties?: PenaltyOptions | undefined;
  /** So many of the likeliest tokens are told with each choice. */
  topLogprobs?: number;
}

/** "Exclude top choices": of the tokens that reach a threshold only the least likely stays. */
export interface Xtc {
  /** How often this happens. */
  probability: number;
  threshold: number;
  /** Tokens that are never left out: ends and line breaks. */
  exempt: readonly number[];
}

export const greedy: Sampling = { temperature: 0, topP: 1, minP: 0, topK: 0, logitBias: new Map() };

export interface Choice {
  /** [B] */
  ids: Tensor;
  /** log p of the chosen token under the model's own distribution: [B], float32. */
  logprobs: Tensor;
  /** The likeliest tokens, in no order, where they were asked for: [B, n] each. */
  top?: { ids: Tensor; logprobs: Tensor };
}

/** Chooses tokens from logits [B, V]. */
export class Sampler {
  readonly #options: SampleOptions;
  readonly #minTokensToKeep: number;
  readonly #xtc: Xtc | undefined;
  readonly #top: number;
  readonly #penalties: Penalties | undefined;

  constructor(sampling: Sampling, vocabularySize: number) {
    const { temperature, topP, minP, topK, logitBias, minTokensToKeep = 1, xtc, penalties, topLogprobs = 0 } = sampling;
    this.#top = Math.min(topLogprobs, vocabularySize);
    this.#minTokensToKeep = minTokensToKeep;
    this.#xtc = xtc && xtc.probability > 0 && temperature > 0 ? xtc : undefined;
    this.#penalties = penalties && new Penalties(penalties);
    this.#options = {
      temperature,
      topP: topP > 0 && topP < 1 ? topP : 1,
      minP,
      topK: topK < vocabularySize ? topK : 0,
      bias: logitBias.size > 0 ? biasVector(logitBias, vocabularySize) : undefined,
    };
  }

  get isGreedy(): boolean {
    return this.#options.temperature === 0;
  }

  /** The text begins with these tokens. */
  begin(prompt: readonly number[]): void {
    this.#penalties?.begin(prompt);
  }

  /** How our kernel chooses, where it can choose for this sampler on its own. */
  get kernelOptions(): SampleOptions | undefined {
    return this.#fitsKernel && !this.#penalties && this.#top === 0 ? this.#options : undefined;
  }

  get #fitsKernel(): boolean {
    return !this.#xtc && (this.#minTokensToKeep <= 1 || this.#options.minP === 0);
  }

  /**
   * Draws take their keys of this thread's sequence unless others are given. A seed repeats its draws on the same path only: our
   * kernel takes one random number a row, MLX's operations one a token. mask: added to the logits of this choice, [V], −∞ for tokens
   * that may not come.
   */
  choose(logits: Tensor, nextKey: () => Tensor = random.nextKey, mask?: Tensor): Choice {
    const { bias: own } = this.#options;
    const bias = mask && own ? own.add(mask) : (mask ?? own);
    const biased = (): Tensor => (bias ? logits.astype("float32").add(bias) : logits);
    const penalized = this.#penalties?.apply(biased());
    const options = { ...this.#options, bias: penalized ? undefined : bias };
    const words = () => random.bits([logits.dim(0), 2], nextKey());
    const choice =
      (this.#fitsKernel && sample(penalized ?? logits, options, words)) ||
      this.#chooseInSteps(penalized ?? biased(), nextKey);
    this.#penalties?.add(choice.ids);
    return this.#top > 0 ? { ...choice, top: likeliestOf(penalized ?? biased(), this.#top) } : choice;
  }

  /** What the next choice needs: evaluate it with this one. */
  get state(): readonly Tensor[] {
    return this.#penalties?.state ?? [];
  }

  #biased(logits: Tensor): Tensor {
    const { bias } = this.#options;
    return bias ? logits.astype("float32").add(bias) : logits;
  }

  #chooseInSteps(logits: Tensor, nextKey: () => Tensor): Choice {
    const logprobs = logits.subtract(logits.logsumexp(-1, true)); // [B, V]
    const ids = this.#draw(logprobs, nextKey);
    return { ids, logprobs: takeAlongAxis(logprobs, ids.expandDims(1), 1).squeeze(1).astype("float32") };
  }

  #draw(logprobs: Tensor, nextKey: () => Tensor): Tensor {
    const { temperature } = this.#options;
    if (temperature === 0) return logprobs.argmax(-1);
    return random.categorical(this.#kept(logprobs, nextKey).multiply(1 / temperature), -1, nextKey());
  }

  /** log p of each token by the model itself, biases included: [B, V] → [B, V] float32. */
  logprobs(logits: Tensor): Tensor {
    return normalized(this.#biased(logits));
  }

  /** log p of each token to be drawn, for a temperature above 0 and without penalties: [B, V] → [B, V] float32. */
  distribution(logits: Tensor): Tensor {
    return normalized(this.#kept(this.logprobs(logits)).multiply(1 / this.#options.temperature));
  }

  #kept(logprobs: Tensor, nextKey: () => Tensor = random.nextKey): Tensor {
    const { topP, minP, topK } = this.#options;
    let kept = logprobs;
    if (topP < 1) kept = nucleus(kept, topP);
    if (minP > 0) kept = above(kept, minP, this.#minTokensToKeep);
    if (this.#xtc) kept = withoutTopChoices(kept, this.#xtc, nextKey());
    return topK > 0 ? likeliest(kept, topK) : kept;
  }

  dispose(): void {
    this.#options.bias?.dispose();
    this.#penalties?.dispose();
  }
}

/** logits [B, V] → their log-probabilities in float32 */
function normalized(logits: Tensor): Tensor {
  const wide = logits.astype("float32");
  return wide.subtract(wide.logsumexp(-1, true));
}

function likeliestOf(logits: Tensor, count: number): { ids: Tensor; logprobs: Tensor } {
  const logprobs = normalized(logits);
  const ids = argpartition(logprobs.negative(), count - 1, -1).slice(1, 0, count);
  return { ids, logprobs: takeAlongAxis(logprobs, ids, 1) };
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

function above(logprobs: Tensor, minP: number, atLeast: number): Tensor {
  const kept = logprobs.greaterEqual(logprobs.max(-1, true).add(Math.log(minP)));
  if (atLeast <= 1) return masked(kept, logprobs);
  const order = argsort(logprobs.negative(), -1).slice(1, 0, atLeast);
  return masked(putAlongAxis(kept, order, full([1, 1], 1, "bool"), -1), logprobs);
}

function withoutTopChoices(logprobs: Tensor, { probability, threshold, exempt }: Xtc, key: Tensor): Tensor {
  const reached = logprobs.greaterEqual(Math.log(threshold));
  const least = where(reached, logprobs, full([1, 1], Number.POSITIVE_INFINITY, logprobs.dtype)).min(-1, true);
  const happens = random.uniform([logprobs.dim(0), 1], { key }).less(probability);
  const out = logprobs.greater(least).logicalAnd(happens);
  const spared =
    exempt.length > 0 ? putAlongAxis(out, integers(exempt, [1, exempt.length]), full([1, 1], 0, "bool"), -1) : out;
  return where(spared, full([1, 1], Number.NEGATIVE_INFINITY, logprobs.dtype), logprobs);
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
