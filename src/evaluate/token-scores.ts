import { argpartition, integers, takeAlongAxis } from "../core/ops.ts";
import { dispose, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";

// L tokens · D hidden · V vocabulary

/** How likely a token was after those before it. */
export interface TokenScore {
  /** Natural log of its probability. */
  logprob: number;
  /** The likeliest tokens in its place, best first, where they were asked for. */
  top: { id: number; logprob: number }[];
}

/** Positions whose logits are held at once. */
const chunk = 128;

/**
 * How likely each token of a text is after those before it, with the likeliest in its place.
 * first: the place of the first that is scored, at least 1
 */
export function scoreTokens(
  model: LanguageModel,
  tokens: readonly number[],
  topLogprobs: number,
  first = 1,
): TokenScore[] {
  const hidden = scope(() => model.hidden(integers(tokens, [1, tokens.length])).squeeze(0)); // [L, D]
  try {
    const scores: TokenScore[] = [];
    for (let from = first - 1; from < tokens.length - 1; from += chunk) {
      const to = Math.min(from + chunk, tokens.length - 1);
      scores.push(...scoreRows(model, hidden.slice(0, from, to), tokens.slice(from + 1, to + 1), topLogprobs));
    }
    return scores;
  } finally {
    hidden.dispose();
  }
}

function scoreRows(model: LanguageModel, hidden: Tensor, targets: readonly number[], count: number): TokenScore[] {
  const found = scope(() => {
    const logits = model.logits(hidden).astype("float32");
    const logprobs = logits.subtract(logits.logsumexp(-1, true));
    const own = takeAlongAxis(logprobs, integers(targets, [targets.length, 1]), 1);
    if (count === 0) return { own };
    const ids = argpartition(logprobs.negative(), count - 1, -1).slice(1, 0, count);
    return { own, ids, top: takeAlongAxis(logprobs, ids, 1) };
  });
  hidden.dispose();
  evaluate(found);
  const [own, ids, top] = [found.own.toArray(), found.ids?.toArray() ?? [], found.top?.toArray() ?? []];
  dispose(found);
  return targets.map((_, row) => {
    const all = ids.slice(row * count, (row + 1) * count).map((id, i) => ({ id, logprob: top[row * count + i] ?? 0 }));
    return { logprob: own[row] ?? Number.NaN, top: all.sort((a, b) => b.logprob - a.logprob) };
  });
}
