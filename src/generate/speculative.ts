import { concatenate, full, integers, takeAlongAxis, where } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { dispose, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import type { Cache } from "../models/cache.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { GeneratedToken, GenerateOptions } from "./generate.ts";
import { lastOf, type PrefillOptions, prefill, stateOf } from "./prefill.ts";
import { Sampler } from "./sampler.ts";

// n tokens proposed by a small model, the draft · V vocabulary

export interface SpeculativeOptions extends Omit<GenerateOptions, "cache" | "packing"> {
  /** A small model with the same tokens. */
  draft: LanguageModel;
  /** Tokens that it proposes at a time. */
  draftTokens: number;
}

export interface SpeculatedToken extends GeneratedToken {
  /** Proposed by the draft and accepted. */
  fromDraft: boolean;
}

/** What a round computes: proposals, the tokens that replace them, whether each is accepted, and the model's log p of both. */
interface Round {
  proposed: Tensor; // [n]
  accepted: Tensor; // [n] bool
  own: Tensor; // [n + 1]: what follows when the proposals up to here are accepted and no further
  proposedLogprobs: Tensor;
  ownLogprobs: Tensor;
}

/**
 * Tokens of `model`, several at a time where a draft guesses them: one pass of the model checks all proposals. A proposal x is
 * accepted with probability min(1, p(x) / q(x)), else replaced by a draw from max(p − q, 0), so that the text has exactly the
 * model's distribution. Leviathan et al. 2023, arXiv:2211.17192, algorithm 1.
 */
export async function* generateSpeculatively(
  model: LanguageModel,
  prompt: readonly number[],
  { draft, draftTokens, sampling, maxTokens, prefillStepSize = 2048, signal, onPrompt }: SpeculativeOptions,
): AsyncGenerator<SpeculatedToken, void> {
  if (sampling.penalties) throw new Error("penalties depend on the tokens before and do not go with a draft");
  const [cache, draftCache] = [model.makeCache(), draft.makeCache()];
  const size = model.config.vocab_size;
  const sampler = new Sampler(sampling, size);
  try {
    const options = { stepSize: prefillStepSize, signal };
    await prefillAllButLast(model, prompt, cache, { ...options, onProgress: onPrompt });
    await prefillAllButLast(draft, prompt, draftCache, options);
    let waiting = prompt.slice(-1); // what the draft has not seen
    for (let count = 0; count < maxTokens && !signal?.aborted; ) {
      const n = Math.min(draftTokens, maxTokens - count - 1);
      const round = scope(() =>
        verify(model, cache, sampler, waiting.slice(-1), propose(draft, draftCache, sampler, waiting, { n, size })),
      );
      await asyncEval(round, stateOf(cache), stateOf(draftCache), random.state());
      const tokens = scope(() => accepted(round));
      dispose(round);
      const taken = tokens.length - 1;
      trim(cache, n - taken);
      trim(draftCache, Math.max(0, n - 1 - taken));
      waiting = tokens.slice(n > 0 && taken === n ? -2 : -1).map(({ id }) => id);
      for (const token of tokens) yield token;
      count += tokens.length;
    }
  } finally {
    sampler.dispose();
    for (const layer of [...cache, ...draftCache]) layer.dispose();
  }
}

/** n tokens by the draft, each [1], and the distributions that they were drawn from, [1, V] each. */
function propose(
  draft: LanguageModel,
  cache: Cache[],
  sampler: Sampler,
  waiting: readonly number[],
  { n, size }: { n: number; size: number },
): { ids: Tensor[]; distributions: Tensor[] } {
  const ids: Tensor[] = [];
  const distributions: Tensor[] = [];
  let tokens = integers(waiting, [1, waiting.length]);
  for (let i = 0; i < n; i++) {
    const logits = fitted(draft.logits(lastOf(draft.hidden(tokens, cache))), size);
    const distribution = sampler.isGreedy ? undefined : sampler.distribution(logits);
    const id = (distribution ? random.categorical(distribution) : sampler.logprobs(logits).argmax(-1)).astype("int32");
    ids.push(id);
    if (distribution) distributions.push(distribution);
    tokens = id.reshape(1, 1);
  }
  return { ids, distributions };
}

/** logits [1, …] over `size` tokens: models of one family round their vocabularies up differently. */
function fitted(logits: Tensor, size: number): Tensor {
  const own = logits.dim(1);
  if (own >= size) return logits.slice(1, 0, size);
  return concatenate([logits, full([1, size - own], Number.NEGATIVE_INFINITY, logits.dtype)], 1);
}

function verify(
  model: LanguageModel,
  cache: Cache[],
  sampler: Sampler,
  current: readonly number[],
  { ids, distributions }: ReturnType<typeof propose>,
): Round {
  const n = ids.length;
  const tokens = concatenate([integers(current), ...ids], 0).reshape(1, n + 1);
  const hidden = model.hidden(tokens, cache);
  const logits = model.logits(hidden.reshape(n + 1, hidden.dim(2)));
  const logprobs = sampler.logprobs(logits);
  const proposed = tokens.reshape(n + 1).slice(0, 1);
  const p = sampler.isGreedy ? undefined : sampler.distribution(logits);
  const own = (p ? replacements(p, distributions) : logprobs.argmax(-1)).astype("int32");
  return {
    proposed,
    own,
    accepted: p ? areAccepted(p, distributions, proposed) : proposed.equal(own.slice(0, 0, n)),
    proposedLogprobs: chosen(logprobs.slice(0, 0, n), proposed),
    ownLogprobs: chosen(logprobs, own),
  };
}

/** Draws from max(p − q, 0) where there was a proposal, and from p after the last. p: [n + 1, V] log-probabilities */
function replacements(p: Tensor, proposals: readonly Tensor[]): Tensor {
  const n = proposals.length;
  const last = random.categorical(p.slice(0, n));
  if (n === 0) return last;
  const left = p.slice(0, 0, n).exp().subtract(concatenate(proposals, 0).exp());
  const zero = left.multiply(0);
  return concatenate([random.categorical(where(left.greater(zero), left, zero).log()), last], 0);
}

function areAccepted(p: Tensor, proposals: readonly Tensor[], proposed: Tensor): Tensor {
  const n = proposals.length;
  if (n === 0) return proposed.equal(proposed);
  const ratio = chosen(p.slice(0, 0, n), proposed).subtract(chosen(concatenate(proposals, 0), proposed));
  return random.uniform([n]).log().less(ratio);
}

/** The element of each row that `ids` names. rows: [N, V] · ids: [N] */
function chosen(rows: Tensor, ids: Tensor): Tensor {
  return takeAlongAxis(rows, ids.expandDims(1), 1).squeeze(1);
}

/** The accepted proposals, then the model's own token. */
function accepted(round: Round): SpeculatedToken[] {
  const flags = round.accepted.astype("int32").toArray();
  const refused = flags.indexOf(0);
  const taken = refused < 0 ? flags.length : refused;
  const [proposed, logprobs] = [round.proposed.toArray(), round.proposedLogprobs.toArray()];
  const tokens = proposed.slice(0, taken).map((id, i) => ({ id, logprob: logprobs[i] ?? Number.NaN, fromDraft: true }));
  const own = { id: round.own.toArray()[taken] ?? 0, logprob: round.ownLogprobs.toArray()[taken] ?? Number.NaN };
  return [...tokens, { ...own, fromDraft: false }];
}

async function prefillAllButLast(
  model: LanguageModel,
  prompt: readonly number[],
  cache: Cache[],
  options: PrefillOptions,
): Promise<void> {
  if (prompt.length < 2 || options.signal?.aborted) return;
  const last = await prefill(model, prompt.slice(0, -1), cache, options);
  last?.dispose();
  await asyncEval(stateOf(cache));
}

function trim(cache: readonly Cache[], count: number): void {
  for (const layer of cache) layer.trim(count);
}
