import { afterEach, describe, expect, test } from "vitest";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { patterned } from "../../test/gradients.ts";
import type { DType } from "../core/dtype.ts";
import { type HeadAttention, headAttention } from "../core/head-attention.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { activeMemory, liveTensors } from "../core/memory.ts";
import { tensor } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate, valueAndGrad } from "../core/transforms.ts";
import { native } from "../native/binding.ts";
import { KVCache } from "./cache.ts";

// B batch · L tokens · H query heads · K key/value heads · E head size

afterEach(restoreKernels);

type Heads = [H: number, K: number, E: number];

function options([heads, kvHeads, E]: Heads, dtype: DType): HeadAttention {
  const frequencies = tensor(Array.from({ length: E / 2 }, (_, i) => 10_000 ** ((-2 * i) / E)));
  return {
    heads,
    kvHeads,
    scale: E ** -0.5,
    mask: "none",
    norms: { q: patterned([E], 5).astype(dtype), k: patterned([E], 6).astype(dtype), eps: 1e-6 },
    rope: { dims: E, traditional: false, base: 10_000, scale: 1, freqs: undefined, frequencies },
  };
}

/** Outputs of one part of a sequence after another, over a cache that is handed out at the end. */
function decode(
  parts: readonly number[],
  B: number,
  [H, K, E]: Heads,
  dtype: DType,
  change: Partial<HeadAttention> = {},
): { out: number[]; state: number[] } {
  const cache = new KVCache();
  const given = { ...options([H, K, E], dtype), ...change };
  const out = parts.flatMap((L, step) => {
    const inputs = [H, K, K].map((heads, i) => patterned([B, L, heads * E], 10 * step + i).astype(dtype));
    const result = scope(() => {
      const [q, k, v] = inputs;
      if (!q || !k || !v) throw new Error("three inputs");
      return headAttention(q, k, v, { ...given, mask: L > 1 ? "causal" : "none", cache });
    });
    evaluate(result, cache.state);
    return result.astype("float32").toArray();
  });
  const state = cache.state.flatMap((x) => x.slice(2, 0, cache.offset).astype("float32").toArray());
  cache.dispose();
  return { out, state };
}

function distance(a: readonly number[], b: readonly number[]): number {
  const size = Math.sqrt(b.reduce((sum, each) => sum + each * each, 0));
  return Math.sqrt(b.reduce((sum, each, i) => sum + (each - (a[i] ?? Number.NaN)) ** 2, 0)) / size;
}

/** The same by MLX's operations, computed once for all instruction sets. */
const known = new Map<string, ReturnType<typeof decode>>();
function plain(...call: Parameters<typeof decode>): ReturnType<typeof decode> {
  const key = JSON.stringify(call);
  useCpuKernels(false);
  const result = known.get(key) ?? decode(...call);
  useCpuKernels(true);
  known.set(key, result);
  return result;
}

onEachIsa("cached attention", () => {
  test.each([
    ["float32", 1e-5],
    ["bfloat16", 8e-3],
    ["float16", 1e-3],
  ] as const)("equals what MLX's operations give, in %s", (dtype, close) => {
    const cases: [parts: number[], B: number, heads: Heads][] = [
      [[5, 1, 1, 1], 1, [1, 1, 8]],
      [[31, 1, 1, 2, 7, 1, 40, 1], 2, [4, 2, 20]],
      [[250, 1, 1, 3, 1, 1, 1, 260, 1], 1, [8, 1, 64]],
      [[1, 1, 1], 3, [7, 7, 80]],
      [[300, 4, 1], 1, [14, 2, 128]],
    ];
    for (const [i, [parts, B, heads]] of cases.entries()) {
      native.setCpuThreads(1 + (i % 4));
      for (const change of [{}, { window: 9 }, { softCap: 1.5 }]) {
        const ours = decode(parts, B, heads, dtype, change);
        const expected = plain(parts, B, heads, dtype, change);
        const what = `${parts} of ${heads}, ${Object.keys(change)}`;
        expect(distance(ours.out, expected.out), what).toBeLessThan(close);
        expect(distance(ours.state, expected.state), `cache of ${what}`).toBeLessThan(close);
      }
    }
  });

  test("many keys on several threads", () => {
    const call = [[1100, 1, 3], 1, [4, 2, 32], "float32"] satisfies Parameters<typeof decode>;
    for (const count of [1, 2, 4]) {
      native.setCpuThreads(count);
      expect(distance(decode(...call).out, plain(...call).out)).toBeLessThan(1e-5);
    }
  });
});

describe.skipIf(!here)("cached attention", () => {
  test("masks over cached keys", () => {
    const run = (): number[] => {
      const cache = new KVCache();
      const given = options([4, 2, 16], "float32");
      const outputs = [20, 1, 2, 30].flatMap((L, step) => {
        const [q, k, v] = [64, 32, 32].map((width, i) => patterned([2, L, width], 10 * step + i));
        if (!q || !k || !v) throw new Error("three inputs");
        const S = cache.offset + L;
        const boolean = patterned([2, 1, L, S], step).greater(-0.5);
        const additive = patterned([1, 4, L, S], step);
        const out = headAttention(q, k, v, { ...given, cache, mask: step % 2 ? boolean : additive });
        return out.toArray();
      });
      cache.dispose();
      return outputs;
    };
    const ours = run();
    useCpuKernels(false);
    expect(distance(ours, run())).toBeLessThan(1e-5);
  });

  test("new tokens are written in place, and tensors stay as many", () => {
    const cache = new KVCache();
    const given = options([4, 2, 64], "float32");
    const step = (L: number) =>
      scope(() => {
        const x = [256, 128, 128].map((width) => patterned([16, L, width]));
        const [q, k, v] = x;
        if (!q || !k || !v) throw new Error("three inputs");
        evaluate(headAttention(q, k, v, { ...given, cache, mask: L > 1 ? "causal" : "none" }), cache.state);
      });
    step(10);
    const [tensors, memory] = [liveTensors(), activeMemory()];
    for (let i = 0; i < 40; i++) step(1);
    expect(liveTensors()).toBe(tensors);
    expect(activeMemory()).toBe(memory);
    cache.dispose();
  });

  test("somebody else's view of the cache keeps what it shows", () => {
    const cache = new KVCache();
    const given = options([2, 1, 8], "float32");
    const call = (x: Tensor) => headAttention(x, x.slice(2, 0, 8), x.slice(2, 8), { ...given, cache, mask: "none" });
    evaluate(call(patterned([1, 1, 16])), cache.state);
    const before = cache.state.map((x) => x.slice(2, 0, 2));
    evaluate(before);
    const shown = before.map((x) => x.toArray());
    evaluate(call(patterned([1, 1, 16], 1)), cache.state);
    expect(before.map((x) => x.toArray())).toEqual(shown);
    cache.trim(1);
    expect(cache.offset).toBe(1);
    cache.dispose();
  });

  test("has no gradient", () => {
    const cache = new KVCache();
    const given = options([2, 1, 8], "float32");
    const loss = ([x]: Tensor[]): Tensor[] => {
      if (!x) throw new Error("an input");
      return [headAttention(x, x.slice(2, 0, 8), x.slice(2, 8), { ...given, cache }).sum()];
    };
    expect(() => valueAndGrad(loss, [patterned([1, 1, 16])])).toThrow("attention over a cache has no gradient");
    cache.dispose();
  });
});
