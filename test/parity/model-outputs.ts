import { expect } from "vitest";
import { z } from "zod";
import { integers } from "../../src/core/ops.ts";
import { scope } from "../../src/core/scope.ts";
import type { LanguageModel } from "../../src/models/language-model.ts";
import { relativeDifference } from "./fixtures.ts";

/** An expected.json: what Python computed from a folder's weights. */
export const Expected = z.object({
  cases: z.array(
    z.object({
      prompt_ids: z.array(z.int()),
      logits: z.array(z.array(z.number())),
      greedy_ids: z.array(z.int()),
      greedy_margins: z.array(z.number()),
    }),
  ),
});
type Cases = z.infer<typeof Expected>["cases"];

/** Logits and greedy tokens of all cases, up to the first near tie: from there on another choice is as right. */
export function expectOutputs(model: LanguageModel, cases: Cases, tolerance: number): void {
  expect(cases.length).toBeGreaterThan(0);
  for (const { prompt_ids, logits, greedy_ids, greedy_margins } of cases) {
    expect(relativeDifference(lastLogits(model, prompt_ids, logits.length), logits.flat())).toBeLessThan(tolerance);
    const tie = greedy_margins.findIndex((margin) => margin < 10 * tolerance);
    const sure = tie < 0 ? greedy_ids.length : tie;
    expect(greedy(model, prompt_ids, greedy_ids.length).slice(0, sure)).toEqual(greedy_ids.slice(0, sure));
  }
}

/** Logits of a prompt's last positions. */
export function lastLogits(model: LanguageModel, ids: readonly number[], positions: number): number[] {
  return scope(() => [
    model
      .forward(integers(ids, [1, ids.length]))
      .slice(1, ids.length - positions)
      .astype("float32"),
  ]).flatMap((logits) => logits.toArray());
}

function greedy(model: LanguageModel, prompt: readonly number[], count: number): number[] {
  const cache = model.makeCache();
  const ids: number[] = [];
  for (let input = [...prompt]; ids.length < count; ) {
    const next = scope(() =>
      model
        .forward(integers(input, [1, input.length]), cache)
        .at(1, -1)
        .argmax(-1),
    );
    input = [next.item()];
    ids.push(...input);
  }
  for (const layer of cache) layer.dispose();
  return ids;
}
