import * as random from "../core/random.ts";
import { dispose, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import type { Cache } from "../models/cache.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { type CachePacking, lastOf, type PromptProgress, pack, prefill, stateOf } from "./prefill.ts";
import { type Choice, Sampler, type Sampling } from "./sampler.ts";

export interface GenerateOptions {
  sampling: Sampling;
  maxTokens: number;
  /** Prompt tokens computed at once. */
  prefillStepSize?: number;
  /** Reused and extended when given; otherwise one is made and freed. */
  cache?: Cache[] | undefined;
  packing?: CachePacking | undefined;
  /** Aborting it ends the tokens, also amid the prompt. */
  signal?: AbortSignal | undefined;
  /** Told of a prompt's tokens as they are computed. */
  onPrompt?: ((progress: PromptProgress) => void) | undefined;
}

export interface GeneratedToken {
  id: number;
  /** Natural log of its probability. */
  logprob: number;
  /** The likeliest tokens in its place, best first, where `topLogprobs` asks for them. */
  top?: { id: number; logprob: number }[];
}

/** A token that is being chosen. */
interface Step {
  choice: Choice;
  ready: Promise<void>;
}

/**
 * Tokens that continue `prompt` (at least one id), one at a time, without end but for `maxTokens`; stop by leaving the
 * loop. While one token is handed out the next is already computed. Each step is one scope and one evaluation.
 */
export async function* generateTokens(
  model: LanguageModel,
  prompt: readonly number[],
  { sampling, maxTokens, prefillStepSize = 2048, cache: given, packing, signal, onPrompt }: GenerateOptions,
): AsyncGenerator<GeneratedToken, void> {
  const cache = given ?? model.makeCache();
  const sampler = new Sampler(sampling, model.config.vocab_size);
  sampler.begin(prompt);
  const pending = new Set<Choice>();
  const step = (hidden: () => Tensor): Step => {
    const choice = scope(() => sampler.choose(model.logits(hidden())));
    pending.add(choice);
    scope(() => pack(cache, packing));
    return { choice, ready: asyncEval(choice, stateOf(cache), sampler.state, random.state()) };
  };
  try {
    const last = await prefill(model, prompt, cache, {
      stepSize: prefillStepSize,
      packing,
      signal,
      onProgress: onPrompt,
    });
    if (!last) return;
    let current = begin(last, step);
    await current.ready;
    for (let count = 1; count <= maxTokens && !signal?.aborted; count++) {
      const { choice } = current;
      const next = count < maxTokens ? step(() => lastOf(model.hidden(choice.ids.reshape(1, 1), cache))) : undefined;
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

/** The first step, from the hidden state that the prompt ended with, which this frees. */
function begin(last: Tensor, step: (hidden: () => Tensor) => Step): Step {
  try {
    return step(() => last);
  } finally {
    last.dispose();
  }
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
