import { describe, expect, test } from "vitest";
import { native } from "../native/binding.ts";
import { liveTensors } from "./memory.ts";
import { tensor } from "./ops.ts";
import * as random from "./random.ts";
import { scope } from "./scope.ts";
import { Tensor } from "./tensor.ts";

describe("keys", () => {
  test("the same key gives the same draw, another key another", () => {
    const draw = (seed: number) => random.normal([5], { key: random.key(seed) }).toArray();
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(random.key(7).toArray()).toEqual([0, 7]);
    expect(random.key(2 ** 32 + 7).toArray()).toEqual([1, 7]);
  });

  test("this thread's sequence gives the keys of MLX's own", () => {
    for (const seed of [0, 3, 123_456]) {
      native.randomSeed(seed);
      random.seed(seed);
      for (let i = 0; i < 5; i++) {
        expect(random.nextKey().toArray()).toEqual(new Tensor(native.randomNextKey()).toArray());
      }
    }
  });

  test("a saved state continues the sequence, and draws leave nothing behind", () => {
    random.seed(5);
    random.nextKey().dispose();
    const saved = tensor(Uint32Array.from(random.state().toArray()));
    const before = liveTensors();
    const draws = () => scope(() => [random.uniform([3]), random.normal([3])].map((each) => each.toArray()));
    const first = draws();
    expect(draws()).not.toEqual(first);
    expect(liveTensors()).toBe(before);
    random.setState(saved);
    expect(draws()).toEqual(first);
  });

  test("withSequence draws from a start of its own, and the thread's sequence goes on as before", () => {
    random.seed(5);
    const expected = random.nextKey().toArray();
    const [first, second] = [random.key(1), random.key(1)];
    const draws = (start: Tensor) => random.withSequence(start, () => [random.nextKey(), random.nextKey()]);
    const lists = (keys: Tensor[]) => keys.map((each) => each.toArray());
    random.seed(5);
    expect(lists(draws(first))).toEqual(lists(draws(second)));
    expect(random.nextKey().toArray()).toEqual(expected);
    const failing = () =>
      random.withSequence(random.key(1), () => {
        throw new Error("in the body");
      });
    expect(failing).toThrow("in the body");
    expect(random.nextKey().shape).toEqual([2]);
  });

  test("a scope that throws after a draw leaves the sequence usable", () => {
    random.seed(1);
    expect(() =>
      scope(() => {
        random.uniform([1]);
        throw new Error("after the draw");
      }),
    ).toThrow("after the draw");
    expect(random.uniform([1]).item()).toBeLessThan(1);
  });
});

describe("distributions", () => {
  const n = 20_000;
  // Four standard errors of a mean of 20,000 draws.
  const near = (deviation: number) => (4 * deviation) / Math.sqrt(n);

  test("uniform", () => {
    const draws = random.uniform([n], { low: -2, high: 4, key: random.key(1) });
    expect(draws.min().item()).toBeGreaterThanOrEqual(-2);
    expect(draws.max().item()).toBeLessThan(4);
    expect(Math.abs(draws.mean().item() - 1)).toBeLessThan(near(6 / Math.sqrt(12)));
    expect(random.uniform([2], { dtype: "bfloat16" }).dtype).toBe("bfloat16");
  });

  test("normal", () => {
    const draws = random.normal([n], { mean: 3, deviation: 2, key: random.key(2) });
    expect(Math.abs(draws.mean().item() - 3)).toBeLessThan(near(2));
    expect(draws.subtract(3).square().mean().item()).toBeCloseTo(4, 0);
  });

  test("bernoulli", () => {
    const draws = random.bernoulli(0.3, [n], random.key(3));
    expect(draws.dtype).toBe("bool");
    expect(Math.abs(draws.astype("float32").mean().item() - 0.3)).toBeLessThan(near(0.46));
  });

  test("categorical", () => {
    const p = [0.1, 0.6, 0.3];
    const logits = tensor(p.map(Math.log)).broadcastTo(n, 3);
    const draws = random.categorical(logits, -1, random.key(4)).toArray();
    p.forEach((each, id) => {
      const share = draws.filter((draw) => draw === id).length / n;
      expect(Math.abs(share - each)).toBeLessThan(near(0.5));
    });
  });
});
