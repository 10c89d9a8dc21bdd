import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { useCpuKernels } from "../core/kernels.ts";
import { liveTensors } from "../core/memory.ts";
import { tensor } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { scope } from "../core/scope.ts";
import { greedy, Sampler, type Sampling } from "./sampler.ts";

const logits = [2.1, -0.4, 1.3, 0.2, 1.9, -1.5, 0.9, -3];
const size = logits.length;

const softmax = (values: readonly number[]): number[] => {
  const most = Math.max(...values);
  const total = values.reduce((sum, each) => sum + Math.exp(each - most), 0);
  return values.map((each) => Math.exp(each - most) / total);
};

/** The distribution that a sampling must follow, filter by filter, each on what the one before it left. */
function reference({ temperature, topP, minP, topK, logitBias }: Sampling): number[] {
  const biased = logits.map((each, id) => each + (logitBias.get(id) ?? 0));
  const p = softmax(biased);
  let kept = new Set(p.keys());
  const byProbability = () => [...kept].sort((a, b) => (p[b] ?? 0) - (p[a] ?? 0));
  if (topP < 1) {
    let before = 0;
    kept = new Set(
      byProbability().filter((id) => {
        const isIn = before < topP;
        before += p[id] ?? 0;
        return isIn;
      }),
    );
  }
  const most = Math.max(...p);
  kept = new Set([...kept].filter((id) => (p[id] ?? 0) >= minP * most));
  if (topK > 0) kept = new Set(byProbability().slice(0, topK));
  return softmax(biased.map((each, id) => (kept.has(id) ? each / temperature : Number.NEGATIVE_INFINITY)));
}

/** Shares of the ids in draws from a batch of equal rows. */
function shares(sampling: Sampling, count: number): number[] {
  random.seed(11);
  const sampler = new Sampler(sampling, size);
  const ids = scope(() => sampler.choose(tensor(logits).broadcastTo(count, size)).ids).toArray();
  sampler.dispose();
  return logits.map((_, id) => ids.filter((each) => each === id).length / count);
}

const computed = [
  ["our kernel", true],
  ["plain", false],
] as const;
afterEach(() => useCpuKernels(true));

const sampled: Sampling = { ...greedy, temperature: 1 };

describe.each(computed)("draws follow the distribution: %s", (_, kernels) => {
  beforeEach(() => useCpuKernels(kernels));

  const cases: [name: string, changes: Partial<Sampling>][] = [
    ["of the model", {}],
    ["at temperature 0.5", { temperature: 0.5 }],
    ["at temperature 3", { temperature: 3 }],
    ["of the likeliest that reach 0.6", { topP: 0.6 }],
    ["of the likeliest that reach 0.9, at temperature 2", { topP: 0.9, temperature: 2 }],
    ["of those at least a quarter as likely as the likeliest", { minP: 0.25 }],
    ["of the 3 likeliest", { topK: 3 }],
    ["of the likeliest one", { topK: 1 }],
    ["with more asked for than there are", { topK: 100 }],
    ["with top_p that keeps only the likeliest", { topP: 1e-6 }],
    [
      "with biases",
      {
        logitBias: new Map([
          [0, -100],
          [7, 5],
        ]),
      },
    ],
    ["with all of them", { topP: 0.95, minP: 0.1, topK: 4, temperature: 0.8, logitBias: new Map([[3, 1]]) }],
  ];
  test.each(cases)("%s", (_, changes) => {
    const sampling = { ...sampled, ...changes };
    const count = 20_000;
    const expected = reference(sampling);
    shares(sampling, count).forEach((share, id) => {
      const p = expected[id] ?? 0;
      // Four standard errors; what is filtered out never comes.
      expect(Math.abs(share - p), `id ${id}`).toBeLessThanOrEqual(4 * Math.sqrt((p * (1 - p)) / count));
    });
  });
});

describe.each(computed)("Sampler: %s", (_, kernels) => {
  beforeEach(() => useCpuKernels(kernels));

  test("temperature 0 takes the likeliest; its logprob is the log of its softmax, bias included", () => {
    const choice = new Sampler(greedy, size).choose(tensor(logits, [1, size]));
    expect(choice.ids.toArray()).toEqual([0]);
    expect(choice.logprobs.item()).toBeCloseTo(Math.log(softmax(logits)[0] ?? 0), 6);
    const biased = new Sampler({ ...greedy, logitBias: new Map([[5, 10]]) }, size).choose(tensor(logits, [1, size]));
    expect(biased.ids.toArray()).toEqual([5]);
    const withBias = logits.map((each, id) => each + (id === 5 ? 10 : 0));
    expect(biased.logprobs.item()).toBeCloseTo(Math.log(softmax(withBias)[5] ?? 0), 5);
  });

  test("logprobs are the model's own, whatever the filters and the temperature", () => {
    random.seed(1);
    const { ids, logprobs } = new Sampler({ ...sampled, temperature: 0.3, topK: 3 }, size).choose(
      tensor(logits).broadcastTo(50, size),
    );
    const p = softmax(logits);
    const found = logprobs.toArray();
    for (const [i, id] of ids.toArray().entries()) expect(found[i]).toBeCloseTo(Math.log(p[id] ?? 0), 5);
  });

  test("rows are drawn each from its own logits, in half precision too", () => {
    random.seed(1);
    const rows = tensor([0, 30, 0, 30, 0, 0], [2, 3]).astype("bfloat16");
    const { ids, logprobs } = new Sampler({ ...sampled, topP: 0.9, topK: 2, minP: 0.01 }, 3).choose(rows);
    expect(ids.toArray()).toEqual([1, 0]);
    expect(logprobs.dtype).toBe("float32");
  });

  test("leaves nothing but the choice", () => {
    random.seed(1);
    const before = liveTensors();
    const sampler = new Sampler({ ...sampled, topP: 0.9, logitBias: new Map([[1, 1]]) }, size);
    for (let i = 0; i < 10; i++) {
      const { ids, logprobs } = scope(() => sampler.choose(tensor(logits, [1, size])));
      ids.dispose();
      logprobs.dispose();
    }
    sampler.dispose();
    expect(liveTensors()).toBe(before);
  });
});
