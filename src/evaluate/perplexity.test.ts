import { expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { integers } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import { measureDivergence } from "./divergence.ts";
import { evaluatePerplexity, perplexityOf } from "./perplexity.ts";
import { cutRows } from "./token-rows.ts";

const rows = [
  [1, 5, 9, 13, 2],
  [3, 4, 5, 6, 7],
  [8, 9, 10],
];

/** log p(target) of every predicted token of a row, in float64. */
function logProbabilities(model: ReturnType<typeof toyModel>, row: readonly number[]): number[][] {
  const logits = scope(() => model.forward(integers(row.slice(0, -1), [1, row.length - 1]))).toArray();
  const size = model.config.vocab_size;
  return row.slice(1).map((_, i) => {
    const own = logits.slice(i * size, (i + 1) * size);
    const sum = Math.log(own.reduce((total, each) => total + Math.exp(each), 0));
    return own.map((each) => each - sum);
  });
}

test("perplexity and its error are those of the token losses, whatever the batch size", async () => {
  const model = toyModel("llama");
  const losses = rows.flatMap((row) => logProbabilities(model, row).map((own, i) => -(own[row[i + 1] ?? 0] ?? 0)));
  const expected = perplexityOf(losses);
  expect(expected.tokens).toBe(10);
  for (const batchSize of [1, 2, 8]) {
    const found = await evaluatePerplexity(model, rows, { batchSize });
    expect(found.tokens).toBe(10);
    expect(found.perplexity).toBeCloseTo(expected.perplexity, 4);
    expect(found.standardError).toBeCloseTo(expected.standardError, 4);
  }
});

test("a model does not diverge from itself, and from another by KL(source ‖ copy)", async () => {
  const [source, copy] = [toyModel("llama"), toyModel("llama", {}, 2)];
  const same = await measureDivergence(source, source, rows);
  expect([same.kl, same.topAgreement]).toEqual([0, 1]);
  expect(same.source).toEqual(same.copy);
  const found = await measureDivergence(source, copy, rows);
  let kl = 0;
  let agreed = 0;
  const top = (own: readonly number[]) => own.indexOf(Math.max(...own));
  for (const row of rows) {
    const [ps, qs] = [logProbabilities(source, row), logProbabilities(copy, row)];
    for (const [i, p] of ps.entries()) {
      const q = qs[i] ?? [];
      kl += p.reduce((sum, each, at) => sum + Math.exp(each) * (each - (q[at] ?? 0)), 0) / 10;
      agreed += Number(top(p) === top(q)) / 10;
    }
  }
  expect(found.kl).toBeCloseTo(kl, 4);
  expect(found.topAgreement).toBeCloseTo(agreed, 6);
  expect(found.copy.perplexity).toBeCloseTo((await evaluatePerplexity(copy, rows, { batchSize: 1 })).perplexity, 4);
});

test("rows are cut in order, and what is left at the end counts", () => {
  expect(cutRows([1, 2, 3, 4, 5], 3, -1)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(cutRows([1, 2, 3, 4], 3, -1)).toEqual([[1, 2, 3]]);
  expect(cutRows([1, 2, 3, 4, 5, 6], 2, 2)).toEqual([
    [1, 2],
    [3, 4],
  ]);
});
