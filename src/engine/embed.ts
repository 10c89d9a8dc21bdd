import { integers } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";

// D hidden

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
