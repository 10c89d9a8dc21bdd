import { argpartition, integers, takeAlongAxis } from "../core/ops.ts";
import { dispose, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { TokenScore } from "./messages.ts";

// L tokens · D hidden · V vocabulary

/** Positions whose logits are held at once. */
const chunk = 128;

/** How likely each token of a text is after those before it, from the second on; with the likeliest in its place. */
export function scoreTokens(model: LanguageModel, tokens: readonly number[], topLogprobs: number): TokenScore[] {
  const hidden = scope(() => model.hidden(integers(tokens, [1, tokens.length])).squeeze(0)); // [L, D]
  try {
    const scores: TokenScore[] = [];
    for (let from = 0; from < tokens.length - 1; from += chunk) {
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

/** The mean of a text's hidden states, of length 1: [D] */
export function embedTokens(model: LanguageModel, tokens: readonly number[]): number[] {
  const vector = scope(() => {
    const mean = model
      .hidden(integers(tokens, [1, tokens.length]))
      .astype("float32")
      .mean([0, 1]); // [D]
    return mean.divide(mean.multiply(mean).sum().sqrt());
  });
  evaluate(vector);
  const values = vector.toArray();
  vector.dispose();
  return values;
}
