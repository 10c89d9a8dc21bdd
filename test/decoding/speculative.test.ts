import { expect, test } from "vitest";
import type { Tensor } from "../../src/core/tensor.ts";
import { type GeneratedToken, generateTokens } from "../../src/generate/generate.ts";
import { greedy } from "../../src/generate/sampler.ts";
import { generateSpeculatively } from "../../src/generate/speculative.ts";
import type { LanguageModel } from "../../src/models/language-model.ts";
import { onEachModel, someIds } from "./decoding-models.ts";

/** Log-probabilities in float32, of one row against several at once: sums in another order; 2e-5 was seen. */
const exact = 1e-4;
const maxTokens = 30;

/** The model itself, but that every third guess is the unlikeliest token. */
function unreliable(model: LanguageModel): LanguageModel {
  let guesses = 0;
  const logits = (hidden: Tensor): Tensor => {
    const own = model.logits(hidden);
    return ++guesses % 3 === 0 ? own.negative() : own;
  };
  return Object.create(model, { logits: { value: logits } });
}

/** How many proposals were right in each round: those before the next third guess, or all. */
function rightByRound(draftTokens: number): number[] {
  const right: number[] = [];
  for (let [count, guesses] = [0, 0]; count < maxTokens; ) {
    const n = Math.min(draftTokens, maxTokens - count - 1);
    const until = 2 - (guesses % 3);
    right.push(Math.min(n, until));
    guesses += n;
    count += Math.min(n, until) + 1;
  }
  return right;
}

async function all<T>(tokens: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const token of tokens) list.push(token);
  return list;
}

onEachModel((model) => {
  test.each([1, 2, 4, 7])(
    "greedy text is the model's own, whatever is refused of %i proposals",
    async (draftTokens) => {
      const prompt = someIds(model, 7);
      const expected: GeneratedToken[] = await all(generateTokens(model, prompt, { sampling: greedy, maxTokens }));
      const draft = unreliable(model);
      const found = await all(
        generateSpeculatively(model, prompt, { draft, draftTokens, sampling: greedy, maxTokens }),
      );
      expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
      for (const [i, { logprob }] of found.entries()) {
        expect(Math.abs(logprob - (expected[i]?.logprob ?? Number.NaN))).toBeLessThan(exact);
      }
      // A draft whose own cache was trimmed wrongly would guess wrong more often.
      const flags = rightByRound(draftTokens).flatMap((right) => [...Array<boolean>(right).fill(true), false]);
      expect(found.map(({ fromDraft }) => fromDraft)).toEqual(flags);
    },
  );
});
