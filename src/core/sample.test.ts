import { afterEach, describe, expect, test } from "vitest";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { pattern } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import { type SampleOptions, sample, useCpuKernels } from "./kernels.ts";
import { liveTensors } from "./memory.ts";
import { tensor } from "./ops.ts";
import * as random from "./random.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";

afterEach(restoreKernels);

const greedy: SampleOptions = { temperature: 0, topP: 1, minP: 0, topK: 0 };

function chosen(logits: Tensor, options: Partial<SampleOptions> = {}): { ids: number[]; logprobs: number[] } {
  return scope(() => {
    const found = sample(logits, { ...greedy, ...options });
    if (!found) throw new Error("the kernel computes these logits");
    expect(found.ids.dtype).toBe("uint32");
    return { ids: found.ids.toArray(), logprobs: found.logprobs.toArray() };
  });
}

/** log softmax in float64. */
function logSoftmax(logits: readonly number[]): number[] {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = logits.reduce((sum, each) => sum + Math.exp(each - most), 0);
  return logits.map((each) => each - most - Math.log(total));
}

/** Ids that pass the filters, likeliest first; of equal ones the first is the likeliest. */
function passing(logits: readonly number[], { topP = 1, minP = 0, topK = 0 }: Partial<SampleOptions>): number[] {
  const p = logSoftmax(logits).map(Math.exp);
  const order = [...p.keys()].sort((a, b) => (p[b] ?? 0) - (p[a] ?? 0) || a - b);
  let before = 0;
  const most = p[order[0] ?? 0] ?? 0;
  return order.filter((id, rank) => {
    const share = p[id] ?? 0;
    const passes = (topP >= 1 || before < topP) && share >= minP * most && (topK === 0 || rank < topK);
    before += share;
    return passes;
  });
}

const sizes = [1, 2, 7, 15, 16, 17, 33, 1000, 4095, 4096, 4097, 16_385, 151_936];

onEachIsa("the likeliest token and its probability", () => {
  test.each(["float32", "bfloat16", "float16"] satisfies DType[])("from one to three rows of %s", (dtype) => {
    for (const [i, size] of sizes.entries()) {
      const rows = (i % 3) + 1;
      const logits = tensor(
        pattern(rows * size, i).map((each) => 8 * each),
        [rows, size],
      ).astype(dtype);
      const values = logits.toArray();
      native.setCpuThreads(1 + (i % 4));
      const { ids, logprobs } = chosen(logits);
      for (let row = 0; row < rows; row++) {
        const own = values.slice(row * size, (row + 1) * size);
        const most = own.reduce((a, b) => Math.max(a, b));
        expect(ids[row], `${size} logits`).toBe(own.indexOf(most));
        expect(Math.abs((logprobs[row] ?? 0) - (logSoftmax(own)[ids[row] ?? 0] ?? 0))).toBeLessThan(
          2e-6 * (1 + Math.log(size)),
        );
      }
    }
  });

  test("equals the plain operations, with a bias too", () => {
    const logits = tensor(pattern(3 * 777), [3, 777]);
    const bias = tensor(pattern(777, 1).map((each) => 3 * each));
    for (const added of [undefined, bias]) {
      const found = chosen(logits, { bias: added });
      const sum = added ? logits.add(added) : logits;
      expect(found.ids).toEqual(sum.argmax(-1).toArray());
      const expected = sum.max(-1).subtract(sum.logsumexp(-1)).toArray();
      expect(found.logprobs).toEqual(expected.map((each) => expect.closeTo(each, 5)));
    }
  });

  test("of equal logits the first", () => {
    expect(chosen(tensor([1, 3, 2, 3, 3], [1, 5])).ids).toEqual([1]);
    const logits = new Float32Array(10_000).fill(-7);
    expect(chosen(tensor(logits, [1, 10_000]))).toEqual({ ids: [0], logprobs: [expect.closeTo(-Math.log(10_000), 5)] });
  });

  test("of no rows is nothing", () => {
    for (const temperature of [0, 1]) {
      expect(chosen(tensor([], [0, 7]), { temperature })).toEqual({ ids: [], logprobs: [] });
    }
  });

  test("reads views", () => {
    const columns = tensor([0, 5, 1, 9, 2, 3], [3, 2]).transpose();
    expect(chosen(columns).ids).toEqual([2, 1]);
  });

  test("minus infinity has no part; other logits without a sum give NaN and the plain operations' token", () => {
    const { NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high, NaN: nan } = Number;
    const found = chosen(tensor([low, 2, low, 1], [1, 4]));
    expect(found.ids).toEqual([1]);
    expect(found.logprobs[0]).toBeCloseTo(2 - Math.log(Math.exp(2) + Math.exp(1)), 6);
    for (const row of [
      [low, low, low],
      [1, nan, 2],
      [nan, nan, nan],
      [low, nan, high],
    ]) {
      for (const temperature of [0, 1]) {
        const { ids, logprobs } = chosen(tensor(row, [1, 3]), { temperature, topK: 2 });
        expect(ids).toEqual([0]);
        expect(logprobs).toEqual([nan]);
      }
    }
    expect(chosen(tensor([1, high, 2], [1, 3]))).toEqual({ ids: [1], logprobs: [nan] });
  });
});

onEachIsa("draws", () => {
  /** Every id that comes in many draws at a temperature that makes all kept ones about equally likely. */
  function seen(logits: readonly number[], options: Partial<SampleOptions>, draws: number): number[] {
    random.seed(3);
    const rows = tensor([...logits]).broadcastTo(draws, logits.length);
    return [...new Set(chosen(rows, { ...options, temperature: 1e5 }).ids)].sort((a, b) => a - b);
  }
  const logits = pattern(300).map((each) => 4 * each);
  const ties = pattern(300).map((each) => Math.round(3 * each));

  test.each<Partial<SampleOptions>>([
    {},
    { topP: 0.3 },
    { topP: 0.9 },
    { topP: 0.999 },
    { topP: 1e-9 },
    { minP: 0.05 },
    { minP: 1 },
    { topK: 1 },
    { topK: 33 },
    { topK: 299 },
    { topP: 0.8, minP: 0.2, topK: 100 },
    { topP: 0.8, minP: 0.01, topK: 20 },
    { topP: 0.2, minP: 0.01, topK: 200 },
  ])("come from exactly the tokens that pass %j", (options) => {
    for (const values of [logits, ties]) {
      const expected = passing(values, options).sort((a, b) => a - b);
      expect(seen(values, options, 30 * expected.length + 300)).toEqual(expected);
    }
  });

  test("the ends of the random numbers give the first and the last token that has a probability", () => {
    const low = Number.NEGATIVE_INFINITY;
    const row = tensor([low, 1, 2, 1.5, low], [1, 5]);
    const at = (word: number, topK: number) => {
      const bits = tensor(Uint32Array.of(word, word), [1, 2]);
      const [ids = 0] = native.cpuSample(row.handle, undefined, bits.handle, 1, 1, 0, topK);
      return native.item(ids);
    };
    expect([at(0, 0), at(2 ** 32 - 1, 0)]).toEqual([1, 3]);
    expect(new Set([at(0, 2), at(2 ** 32 - 1, 2)])).toEqual(new Set([2, 3]));
  });

  test("pass over stretches that are ruled out", () => {
    const row = new Float32Array(20_000).fill(Number.NEGATIVE_INFINITY);
    for (const id of [5000, 5001, 9000]) row[id] = id === 9000 ? 0 : 1;
    const logits = tensor(row, [1, row.length]);
    expect(chosen(logits).ids).toEqual([5000]);
    expect(seen(Array.from(row), {}, 60)).toEqual([5000, 5001, 9000]);
    expect(seen(Array.from(row), { topK: 100 }, 60)).toEqual([5000, 5001, 9000]);
    expect(seen(Array.from(row), { topP: 0.5 }, 60)).toEqual([5000, 5001]);
  });

  test("at a temperature near zero are the likeliest token", () => {
    random.seed(2);
    const rows = tensor(pattern(9000).map((each, id) => (id === 8000 ? 1.01 : each))).broadcastTo(50, 9000);
    for (const temperature of [1e-4, 1e-40]) {
      for (const topK of [0, 5]) expect(new Set(chosen(rows, { temperature, topK }).ids)).toEqual(new Set([8000]));
    }
  });

  test("repeat with the seed, differ by row and from call to call, and leave nothing behind", () => {
    const rows = tensor(logits).broadcastTo(64, logits.length);
    const run = () => [chosen(rows, { temperature: 1 }).ids, chosen(rows, { temperature: 1, topP: 0.9 }).ids];
    random.seed(9);
    const first = run();
    const before = liveTensors();
    random.seed(9);
    expect(run()).toEqual(first);
    expect(liveTensors()).toBe(before);
    expect(new Set(first[0]).size).toBeGreaterThan(10);
    expect(first[1]).not.toEqual(first[0]);
    expect(run()).not.toEqual(first);
  });
});

describe.skipIf(!here)("draws", () => {
  test.each<Partial<SampleOptions>>([{}, { topP: 0.5 }, { topK: 40_000 }, { minP: 0.5 }])(
    "from a whole vocabulary of nearly equal logits, %j",
    (options) => {
      const size = 151_936;
      const nearlyEqual = pattern(size).map((each) => 0.01 * each);
      const kept = new Set(passing(nearlyEqual, options));
      random.seed(5);
      const draws = 400;
      const { ids, logprobs } = chosen(tensor(nearlyEqual).broadcastTo(draws, size), { ...options, temperature: 1 });
      for (const id of ids) expect(kept.has(id)).toBe(true);
      for (const each of logprobs) expect(Math.abs(each + Math.log(size))).toBeLessThan(0.03);
      // The mean place of uniform draws, within four standard errors.
      const order = [...kept].sort((a, b) => a - b);
      const places = new Map(order.map((id, place) => [id, place / order.length]));
      const mean = ids.reduce((sum, id) => sum + (places.get(id) ?? Number.NaN), 0) / draws;
      expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / draws));
    },
  );
});

test.skipIf(!here)("what the kernel cannot compute is refused or left to the plain operations", () => {
  const logits = tensor([1, 2], [1, 2]);
  expect(() => sample(tensor([1, 2]), greedy)).toThrow("sample needs logits [B, V]");
  expect(() => sample(logits, { ...greedy, bias: tensor([1]) })).toThrow("sample needs a bias [V]");
  expect(sample(logits.astype("int32"), greedy)).toBeUndefined();
  useCpuKernels(false);
  expect(sample(logits, greedy)).toBeUndefined();
});
