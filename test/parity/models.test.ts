import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import type { DType } from "../../src/core/dtype.ts";
import { integers } from "../../src/core/ops.ts";
import { scope } from "../../src/core/scope.ts";
import type { LanguageModel } from "../../src/models/language-model.ts";
import { loadModel } from "../../src/models/load.ts";
import { index, parity, read, relativeDifference } from "./fixtures.ts";

const Expected = z.object({
  cases: z.array(
    z.object({
      prompt_ids: z.array(z.int()),
      logits: z.array(z.array(z.number())),
      greedy_ids: z.array(z.int()),
      greedy_margins: z.array(z.number()),
    }),
  ),
});

/** Half precision: mlx-lm rounds after each operation, and MLX's packed product on a CPU sums in bfloat16; we compute in float32. */
function tolerance(name: string): number {
  if (/bit.*bfloat16/.test(name)) return 1e-1;
  return /float16/.test(name) ? 2e-2 : 1e-5;
}

function lastLogits(model: LanguageModel, ids: readonly number[], positions: number): number[] {
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

/** The logits of all cases, from weights in `dtype`. */
function allLogits(name: string, dtype?: DType): number[] {
  const model = loadModel(join(parity, "models", name), dtype ? { dtype } : {});
  const { cases } = read(join("models", name, "expected.json"), Expected);
  const found = cases.flatMap(({ prompt_ids, logits }) => lastLogits(model, prompt_ids, logits.length));
  model.dispose();
  return found;
}

// The dtype in which a half-precision model is computed differs from processor to processor; float32 is the same everywhere.
test.each(index.models)("%s gives mlx-lm's logits and greedy tokens", (name) => {
  const model = loadModel(join(parity, "models", name), { dtype: "float32" });
  const { cases } = read(join("models", name, "expected.json"), Expected);
  expect(cases.length).toBeGreaterThan(0);
  for (const { prompt_ids, logits, greedy_ids, greedy_margins } of cases) {
    expect(relativeDifference(lastLogits(model, prompt_ids, logits.length), logits.flat())).toBeLessThan(
      tolerance(name),
    );
    // From a near tie on another choice is as right.
    const tie = greedy_margins.findIndex((margin) => margin < 10 * tolerance(name));
    const sure = tie < 0 ? greedy_ids.length : tie;
    expect(greedy(model, prompt_ids, greedy_ids.length).slice(0, sure)).toEqual(greedy_ids.slice(0, sure));
  }
  model.dispose();
});

test.each(index.models.filter((name) => /float16/.test(name)))(
  "%s in half precision stays near its float32",
  (name) => {
    const { cases } = read(join("models", name, "expected.json"), Expected);
    const exact = allLogits(name, "float32");
    const theirs = relativeDifference(cases.flatMap(({ logits }) => logits).flat(), exact);
    // mlx-lm's half precision is as far away.
    expect(relativeDifference(allLogits(name), exact)).toBeLessThan(Math.max(2 * theirs, 3e-2));
  },
);
