import { afterEach, describe, expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { liveTensors } from "../core/memory.ts";
import { integers } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { scope } from "../core/scope.ts";
import { generateTokens } from "./generate.ts";
import { greedy, Sampler, type Sampling } from "./sampler.ts";
import { generateSpeculatively, type SpeculatedToken } from "./speculative.ts";

const model = toyModel("qwen3", { num_hidden_layers: 2 });
const strange = toyModel("llama", { num_hidden_layers: 1 });
const prompt = [3, 1, 4, 1, 5, 9, 2, 6];

afterEach(() => useCpuKernels(true));

async function speculated(
  options: Partial<Parameters<typeof generateSpeculatively>[2]>,
  ids: readonly number[] = prompt,
): Promise<SpeculatedToken[]> {
  const all: SpeculatedToken[] = [];
  const given = { draft: strange, draftTokens: 3, sampling: greedy, maxTokens: 20, ...options };
  for await (const token of generateSpeculatively(model, ids, given)) all.push(token);
  return all;
}

describe("generateSpeculatively", () => {
  test.each([
    ["a draft that knows nothing", strange, 3],
    ["the model itself", model, 4],
    ["one proposal", model, 1],
    ["none", strange, 0],
  ])("greedy tokens are the model's own: %s", async (_, draft, draftTokens) => {
    const expected = [];
    for await (const token of generateTokens(model, prompt, { sampling: greedy, maxTokens: 20 })) expected.push(token);
    const before = liveTensors();
    const found = await speculated({ draft, draftTokens });
    expect(liveTensors()).toBe(before);
    expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    for (const [i, { logprob }] of found.entries()) expect(logprob).toBeCloseTo(expected[i]?.logprob ?? 0, 3);
    if (draft === model) expect(found.filter(({ fromDraft }) => fromDraft).length).toBeGreaterThan(8);
  });

  test.each([20, 40])("a draft whose vocabulary has %i tokens", async (vocabSize) => {
    const other = toyModel("llama", { num_hidden_layers: 1, vocab_size: vocabSize });
    const expected = (await speculated({})).map(({ id }) => id);
    expect((await speculated({ draft: other })).map(({ id }) => id)).toEqual(expected);
    random.seed(1);
    expect(await speculated({ draft: other, sampling: { ...greedy, temperature: 1 } })).toHaveLength(20);
    other.dispose();
  });

  test.each([0, 1, 2, 5])("maxTokens %i is respected", async (maxTokens) => {
    expect(await speculated({ maxTokens })).toHaveLength(maxTokens);
  });

  test("a prompt of one token, and one computed in parts", async () => {
    expect(await speculated({ maxTokens: 4 }, [7])).toHaveLength(4);
    const ids = (tokens: readonly SpeculatedToken[]) => tokens.map(({ id }) => id);
    expect(ids(await speculated({ prefillStepSize: 3 }))).toEqual(ids(await speculated({})));
  });

  test("the same seed gives the same tokens", async () => {
    const run = async () => {
      random.seed(5);
      return (await speculated({ sampling: { ...greedy, temperature: 1.3 } })).map(({ id }) => id);
    };
    expect(await run()).toEqual(await run());
  });
});

/** Pearson's statistic of observed counts against probabilities, and its degrees of freedom; rare outcomes are put together. */
function chiSquare(counts: ReadonlyMap<number, number>, p: readonly number[], total: number): [number, number] {
  let [statistic, bins, rareExpected, rareFound] = [0, 0, 0, 0];
  for (const [id, probability] of p.entries()) {
    const [expected, found] = [probability * total, counts.get(id) ?? 0];
    if (expected < 8) {
      rareExpected += expected;
      rareFound += found;
      continue;
    }
    statistic += (found - expected) ** 2 / expected;
    bins++;
  }
  if (rareExpected >= 8) {
    statistic += (rareFound - rareExpected) ** 2 / rareExpected;
    bins++;
  } else {
    expect(rareFound).toBeLessThanOrEqual(rareExpected + 8);
  }
  return [statistic, bins - 1];
}

test("sampled tokens have the model's own distribution, not the draft's", async () => {
  const cases: Sampling[] = [
    { ...greedy, temperature: 1 },
    { ...greedy, temperature: 0.7, topK: 12, topP: 0.95 },
  ];
  for (const sampling of cases) {
    random.seed(17);
    const draws = 800;
    const firsts = new Map<number, number>();
    const seconds = new Map<number, Map<number, number>>();
    for (let i = 0; i < draws; i++) {
      // Two proposals: the first token and the second come from the rule, whichever way they are accepted.
      const [first, second] = (await speculated({ sampling, maxTokens: 3, draftTokens: 2 })).map(({ id }) => id);
      if (first === undefined || second === undefined) throw new Error("three tokens");
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
      const after = seconds.get(first) ?? new Map<number, number>();
      seconds.set(first, after.set(second, (after.get(second) ?? 0) + 1));
    }
    const sampler = new Sampler(sampling, model.config.vocab_size);
    const distribution = (ids: readonly number[]): number[] =>
      scope(() =>
        sampler
          .distribution(model.forward(integers(ids, [1, ids.length])).at(1, -1))
          .exp()
          .toArray(),
      );
    const [statistic, freedom] = chiSquare(firsts, distribution(prompt), draws);
    // Mean and deviation of chi-square are its freedom f and √(2 f); five deviations.
    expect(statistic).toBeLessThan(freedom + 5 * Math.sqrt(2 * Math.max(1, freedom)));
    const [common, count] = [...firsts].sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
    const [next, nextFreedom] = chiSquare(seconds.get(common) ?? new Map(), distribution([...prompt, common]), count);
    expect(next).toBeLessThan(nextFreedom + 5 * Math.sqrt(2 * Math.max(1, nextFreedom)));
    sampler.dispose();
  }
}, 60_000);
