import type { Quantization } from "../core/ops.ts";
import { integers } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { dispose, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import type { Cache } from "../models/cache.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { type Choice, Sampler, type Sampling } from "./sampler.ts";

export interface GenerateOptions {
  sampling: Sampling;
  maxTokens: number;
  /** Prompt tokens computed at once. */
  prefillStepSize?: number;
  /** Reused and extended when given; otherwise one is made and freed. */
  cache?: Cache[] | undefined;
  /** Keys and values are packed once there are more tokens than `from`. */
  packing?: CachePacking | undefined;
  /** Aborting it ends the tokens, also between two parts of the prompt. */
  signal?: AbortSignal | undefined;
}

export interface CachePacking {
  quantization: Quantization;
  from: number;
}

export interface GeneratedToken {
  id: number;
  /** Natural log of its probability. */
  logprob: number;
  /** The likeliest tokens in its place, best first, where `topLogprobs` asks for them. */
  top?: { id: number; logprob: number }[];
}

/**
 * Tokens that continue `prompt` (at least one id), one at a time, without end but for `maxTokens`; stop by leaving the
 * loop. While one token is handed out the next is already computed. Each step is one scope and one evaluation.
 */
export async function* generateTokens(
  model: LanguageModel,
  prompt: readonly number[],
  { sampling, maxTokens, prefillStepSize = 2048, cache: given, packing, signal }: GenerateOptions,
): AsyncGenerator<GeneratedToken, void> {
  const cache = given ?? model.makeCache();
  const sampler = new Sampler(sampling, model.config.vocab_size);
  sampler.begin(prompt);
  const pending = new Set<Choice>();
  const step = (tokens: Tensor): { choice: Choice; ready: Promise<void> } => {
    const choice = scope(() => sampler.choose(model.logits(lastOf(model.hidden(tokens, cache)))));
    pending.add(choice);
    scope(() => pack(cache, packing));
    return { choice, ready: asyncEval(choice, stateOf(cache), sampler.state, random.state()) };
  };
  try {
    const rest = await prefill(model, prompt, cache, { stepSize: prefillStepSize, packing, signal });
    if (signal?.aborted) return;
    let current = scope(() => step(integers(rest, [1, rest.length])));
    await current.ready;
    for (let count = 1; count <= maxTokens && !signal?.aborted; count++) {
      const { choice } = current;
      const next = count < maxTokens ? scope(() => step(choice.ids.reshape(1, 1))) : undefined;
      const token = tokenOf(choice);
      release(choice, pending);
      try {
        yield token;
      } finally {
        await next?.ready;
      }
      if (!next) return;
      current = next;
    }
  } finally {
    for (const choice of pending) release(choice, pending);
    sampler.dispose();
    if (!given) for (const layer of cache) layer.dispose();
  }
}

/** Computes all but the last part of the prompt into the cache and returns that part. */
export async function prefill(
  model: LanguageModel,
  prompt: readonly number[],
  cache: Cache[],
  { stepSize, packing, signal }: { stepSize: number } & Pick<GenerateOptions, "packing" | "signal">,
): Promise<readonly number[]> {
  let start = 0;
  for (; prompt.length - start > stepSize && !signal?.aborted; start += stepSize) {
    const chunk = prompt.slice(start, start + stepSize);
    scope(() => {
      model.hidden(integers(chunk, [1, chunk.length]), cache);
      pack(cache, packing);
    });
    await asyncEval(stateOf(cache));
  }
  return prompt.slice(start);
}

/** [1, L, D] → [1, D] of the last position: the output layer computes one row only. */
export function lastOf(hidden: Tensor): Tensor {
  return hidden.at(1, -1);
}

function pack(cache: readonly Cache[], packing: CachePacking | undefined): void {
  for (const layer of cache) {
    if (packing && !layer.isPacked && layer.offset > packing.from) layer.pack(packing.quantization);
  }
}

export function stateOf(cache: readonly Cache[]): Tensor[] {
  return cache.flatMap((layer) => layer.state);
}

/** The token of a choice of one row. */
function tokenOf({ ids, logprobs, top }: Choice): GeneratedToken {
  const token = { id: ids.item(), logprob: logprobs.item() };
  if (!top) return token;
  const topLogprobs = top.logprobs.toArray();
  const all = top.ids.toArray().map((id, i) => ({ id, logprob: topLogprobs[i] ?? Number.NaN }));
  return { ...token, top: all.sort((a, b) => b.logprob - a.logprob) };
}

function release(choice: Choice, pending: Set<Choice>): void {
  dispose(choice);
  pending.delete(choice);
}
