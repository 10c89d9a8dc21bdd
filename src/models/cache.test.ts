import { describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { liveTensors } from "../core/memory.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import { KVCache } from "./cache.ts";

describe("KVCache", () => {
  const block = (tokens: number, phase: number) => patterned([1, 2, tokens, 3], phase);

  test("returns all keys and values so far, and grows by whole steps", () => {
    const cache = new KVCache();
    expect([cache.offset, cache.state]).toEqual([0, []]);
    const pieces = [1, 254, 1, 1, 300].map((tokens, i) => ({ k: block(tokens, i), v: block(tokens, i + 0.5) }));
    let total = 0;
    for (const { k, v } of pieces) {
      total += k.dim(2);
      const [keys, values] = cache.append(k, v);
      expect([keys.shape, values.shape]).toEqual([
        [1, 2, total, 3],
        [1, 2, total, 3],
      ]);
      expect(keys.slice(2, total - k.dim(2)).toArray()).toEqual(k.toArray());
      expect(cache.state[0]?.dim(2)).toBe(Math.ceil(total / KVCache.step) * KVCache.step);
    }
    const [keys, values] = cache.append(block(1, 9), block(1, 9.5));
    expect(keys.slice(2, 255, 256).toArray()).toEqual(pieces[2]?.k.toArray());
    expect(values.slice(2, 1, 255).toArray()).toEqual(pieces[1]?.v.toArray());
    expect(cache.offset).toBe(558);
  });

  test("trim forgets the last tokens; the next ones take their places", () => {
    const cache = new KVCache();
    cache.append(block(5, 0), block(5, 1));
    cache.trim(2);
    expect(cache.offset).toBe(3);
    const [keys] = cache.append(block(1, 2), block(1, 3));
    expect(keys.dim(2)).toBe(4);
    expect(keys.slice(2, 0, 3).toArray()).toEqual(block(5, 0).slice(2, 0, 3).toArray());
    expect(keys.slice(2, 3).toArray()).toEqual(block(1, 2).toArray());
    cache.trim(100);
    expect(cache.offset).toBe(0);
  });

  test("owns its two buffers through scopes, and frees them", () => {
    const before = liveTensors();
    const cache = new KVCache();
    for (let i = 0; i < 600; i++) {
      scope(() => void cache.append(block(1, i), block(1, i)));
      evaluate(cache.state);
    }
    expect(liveTensors()).toBe(before + 2);
    cache.dispose();
    expect(liveTensors()).toBe(before);
    expect(cache.offset).toBe(0);
    scope(() => void cache.append(block(2, 0), block(2, 0)));
    expect(cache.offset).toBe(2);
    cache.dispose();
  });
});
