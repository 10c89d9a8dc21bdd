import { describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { liveTensors } from "../core/memory.ts";
import { concatenate, full } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import { RotatingKVCache } from "./rotating-cache.ts";

/** Keys that say which tokens they are. */
function tokens(from: number, count: number, size = 2): Tensor {
  return concatenate(
    Array.from({ length: count }, (_, i) => full([1, 1, 1, size], from + i)),
    2,
  );
}

/** Which tokens a cache gives after each of some parts, in the order given. */
function seen(cache: RotatingKVCache, parts: readonly number[]): number[][] {
  return parts.map((count) =>
    scope(() => {
      const x = tokens(cache.offset, count);
      const [keys, values] = cache.append(x, x.multiply(-1));
      expect(values.toArray()).toEqual(keys.toArray().map((each) => -each));
      return keys.slice(3, 0, 1).toArray();
    }),
  );
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const sorted = (list: readonly number[] = []) => [...list].sort((a, b) => a - b);

describe("RotatingKVCache", () => {
  test("keeps the first few and the latest tokens", () => {
    const cache = new RotatingKVCache({ maxSize: 8, keep: 2 });
    const all = seen(cache, Array(30).fill(1));
    for (const [i, kept] of all.entries()) {
      const expected = i < 8 ? range(0, i + 1) : [0, 1, ...range(i - 5, i + 1)];
      expect(sorted(kept)).toEqual(expected);
    }
    expect(cache.offset).toBe(30);
    cache.dispose();
  });

  test("a part of several tokens comes in order, behind all but one of the size", () => {
    const cache = new RotatingKVCache({ maxSize: 8, keep: 2 });
    const [first, second, ...single] = seen(cache, [5, 6, 1, 1, 1]);
    expect(first).toEqual(range(0, 5));
    expect(second).toEqual(range(0, 11));
    expect(single.map(sorted)).toEqual([
      [0, 1, 6, 7, 8, 9, 10, 11],
      [0, 1, 7, 8, 9, 10, 11, 12],
      [0, 1, 8, 9, 10, 11, 12, 13],
    ]);
    const [again] = seen(cache, [3]);
    expect(again).toEqual([0, 1, ...range(9, 17)]);
    cache.dispose();
  });

  test("forgets the last tokens until the first ones are overwritten", () => {
    const cache = new RotatingKVCache({ maxSize: 6, keep: 1 });
    seen(cache, [4]);
    expect(cache.canTrim(2)).toBe(true);
    cache.trim(2);
    expect(seen(cache, [1])).toEqual([[0, 1, 2]]);
    seen(cache, Array(6).fill(1));
    expect(cache.canTrim(1)).toBe(false);
    expect(() => cache.trim(1)).toThrow("overwritten");
    cache.dispose();
  });

  test("memory stays bounded, packed more so", () => {
    const before = liveTensors();
    const [plain, packed] = [0, 1].map(() => new RotatingKVCache({ maxSize: 64 }));
    for (let i = 0; i < 200; i++) {
      const x = patterned([1, 2, 1, 64], i);
      for (const cache of [plain, packed]) {
        scope(() => void cache?.append(x, x));
        if (i === 30 && cache === packed) scope(() => cache?.pack({ mode: "affine", bits: 4, group_size: 64 }));
        evaluate(cache?.state);
      }
      x.dispose();
    }
    expect(plain?.nbytes).toBe(2 * 2 * 64 * 64 * 4);
    expect(packed?.nbytes).toBeLessThan((plain?.nbytes ?? 0) / 5);
    for (const cache of [plain, packed]) cache?.dispose();
    expect(liveTensors()).toBe(before);
  });
});
