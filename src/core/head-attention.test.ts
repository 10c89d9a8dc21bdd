import { afterEach, describe, expect, test } from "vitest";
import { attentionReference } from "../../test/attention-reference.ts";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import { type HeadAttention, headAttention } from "./head-attention.ts";
import { useCpuKernels } from "./kernels.ts";
import { tensor, zeros } from "./ops.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { evaluate, valueAndGrad } from "./transforms.ts";

// B batch · L tokens · H query heads · K key/value heads · E head size

afterEach(restoreKernels);

type Sizes = [B: number, L: number, H: number, K: number, E: number];
const sizes: Sizes[] = [
  [1, 1, 1, 1, 8],
  [3, 2, 8, 1, 20],
  [1, 31, 4, 4, 80],
  [2, 33, 6, 2, 20],
  [1, 65, 8, 4, 64],
  [1, 130, 2, 1, 128],
  [2, 5, 7, 1, 8],
];

type Setting = "plain" | "qwen3" | "traditional";
/** Norms and rotation of E elements, or of part of them. */
function options([, , heads, kvHeads, E]: Sizes, setting: Setting = "qwen3", dtype: DType = "float32"): HeadAttention {
  const pairs = setting === "traditional" ? E / 4 : E / 2;
  const frequencies = tensor(Array.from({ length: pairs }, (_, i) => 10_000 ** (-i / pairs)));
  const rope = { dims: 2 * pairs, traditional: setting === "traditional", scale: 1, freqs: undefined, frequencies };
  return {
    heads,
    kvHeads,
    scale: 1.3 * E ** -0.5,
    mask: "causal",
    ...(setting === "plain" ? {} : { rope: { ...rope, base: 10_000 } }),
    ...(setting === "qwen3"
      ? { norms: { q: patterned([E], 5).astype(dtype), k: patterned([E], 6).astype(dtype), eps: 1e-6 } }
      : {}),
  };
}

function inputs([B, L, H, K, E]: Sizes, dtype: DType): [q: Tensor, k: Tensor, v: Tensor] {
  const [q, k, v] = [patterned([B, L, H * E]), patterned([B, L, K * E], 1), patterned([B, L, K * E], 2)];
  return [q.multiply(1.5).astype(dtype), k.astype(dtype), v.astype(dtype)];
}

type Compute = typeof headAttention;
/** Output, and the gradients of q, k, v and the norms' weights, in float64. */
function results(compute: Compute, qkv: readonly Tensor[], given: HeadAttention, exact = false): Tensor[] {
  const [{ shape, dtype } = zeros([0])] = qkv;
  const cotangent = patterned(shape, 3).astype(dtype);
  const primals = [...qkv, ...(given.norms ? [given.norms.q, given.norms.k] : [])];
  const cast = (x: Tensor) => (exact ? x.astype("float64") : x);
  const { values, gradients } = valueAndGrad(([q, k, v, qNorm, kNorm]) => {
    if (!q || !k || !v) throw new Error("three inputs");
    const norms = given.norms && qNorm && kNorm ? { ...given.norms, q: qNorm, k: kNorm } : undefined;
    const out = compute(q, k, v, { ...given, norms });
    return [
      out
        .multiply(cotangent.astype(out.dtype))
        .astype(exact ? "float64" : "float32")
        .sum(),
      out,
    ];
  }, primals.map(cast));
  const all = [...values.slice(1), ...gradients].map((x) => x.astype("float64"));
  evaluate(all);
  return all;
}

/** The root of the mean square of differences, relative to that of what is expected. */
function errors(found: readonly Tensor[], expected: readonly Tensor[]): number[] {
  return expected.map((each, i) => {
    const size = Math.max(each.square().mean().sqrt().item(), 1e-3);
    return (found[i]?.subtract(each).square().mean().sqrt().item() ?? Number.NaN) / size;
  });
}

const names = ["out", "dq", "dk", "dv", "norm of q", "norm of k"];
function expectClose(dtype: DType, qkv: readonly Tensor[], given: HeadAttention, what: string): void {
  scope(() => {
    const exact = results(attentionReference, qkv, given, true);
    const ours = errors(results(headAttention, qkv, given), exact);
    useCpuKernels(false);
    const plain = errors(results(headAttention, qkv, given), exact);
    useCpuKernels(true);
    ours.forEach((error, i) => {
      // Halves: as close as MLX, or as rounding the result allows.
      const allowed = dtype === "float32" ? 1e-5 : Math.max(1.02 * (plain[i] ?? 0), dtype === "bfloat16" ? 2e-3 : 3e-4);
      expect(error, `${names[i]} of ${what}, by MLX ${plain[i]}`).toBeLessThan(allowed);
    });
  });
}

onEachIsa("attention", () => {
  test.each<DType>(["float32", "bfloat16", "float16"])("equals float64 with its gradients, in %s", (dtype) => {
    for (const [i, each] of sizes.entries()) {
      native.setCpuThreads(1 + (i % 4));
      for (const setting of ["plain", "qwen3", "traditional"] as const) {
        for (const mask of ["causal", "none"] as const) {
          const given = { ...options(each, setting, dtype), mask };
          expectClose(dtype, inputs(each, dtype), given, `${setting} ${mask} ${each}`);
        }
      }
    }
  });

  test.each<DType>(["float32", "bfloat16"])("masks, windows and soft caps, in %s", (dtype) => {
    for (const each of sizes) {
      const [B, L, H] = each;
      const additive = patterned([L, L], 4).astype(dtype);
      const boolean = patterned([B, 1, L, L], 4)
        .greater(-0.3)
        .logicalOr(patterned([1, 1, L, L], 1).greater(0.9));
      const some = patterned([1, H, L, L], 2).greater(-0.2);
      const base = options(each, "qwen3", dtype);
      const qkv = inputs(each, dtype);
      expectClose(dtype, qkv, { ...base, mask: additive }, `additive ${each}`);
      expectClose(dtype, qkv, { ...base, mask: boolean }, `boolean ${each}`);
      expectClose(dtype, qkv, { ...base, mask: some, softCap: 2 }, `boolean, capped ${each}`);
      expectClose(dtype, qkv, { ...base, window: 7 }, `window ${each}`);
      expectClose(dtype, qkv, { ...base, window: 40, softCap: 1.5 }, `window, capped ${each}`);
      expectClose(dtype, qkv, { ...base, window: 20, mask: additive }, `window, additive ${each}`);
    }
  });

  test("many blocks of keys, on 1 to 4 threads", () => {
    for (const dtype of ["float32", "bfloat16"] as const) {
      for (const count of [1, 3, 4]) {
        native.setCpuThreads(count);
        for (const each of [
          [1, 600, 2, 1, 24],
          [2, 300, 3, 3, 64],
        ] satisfies Sizes[]) {
          const given = options(each, "qwen3", dtype);
          expectClose(dtype, inputs(each, dtype), given, `${each} on ${count}`);
          expectClose(dtype, inputs(each, dtype), { ...given, window: 130 }, `window of ${each} on ${count}`);
        }
      }
    }
  });

  test("strided and broadcast inputs", () => {
    const each: Sizes = [2, 9, 4, 2, 16];
    const joined = patterned([2, 9, (4 + 2 + 2) * 16]);
    const slices = [joined.slice(2, 0, 64), joined.slice(2, 64, 96), joined.slice(2, 96)];
    expectClose("float32", slices, options(each), "slices");
    const turned = [patterned([64, 9, 2]).transpose(), ...inputs(each, "float32").slice(1)];
    expectClose("float32", turned, options(each), "a transposed view");
    const broadcast = [patterned([1, 9, 64]).broadcastTo(2, 9, 64), patterned([2, 1, 32], 1).broadcastTo(2, 9, 32)];
    const values = patterned([2, 9, 1], 2).broadcastTo(2, 9, 32);
    expectClose("float32", [...broadcast, values], options(each), "broadcast views");
  });

  test("nothing in, nothing out", () => {
    for (const [B, L] of [
      [0, 3],
      [2, 0],
    ] as const) {
      const qkv = [zeros([B, L, 32]), zeros([B, L, 16]), zeros([B, L, 16])] as const;
      expect(headAttention(...qkv, options([B, L, 4, 2, 8])).shape).toEqual([B, L, 32]);
      const { gradients } = valueAndGrad(
        ([q]) => [headAttention(q ?? qkv[0], qkv[1], qkv[2], options([B, L, 4, 2, 8])).sum()],
        [qkv[0]],
      );
      expect(gradients[0]?.toArray()).toEqual([]);
    }
  });

  // A value that is NaN times a weight of 0 is NaN: MLX's operations spread it over all queries, ours within a tile of them.
  test("NaN and infinities reach the queries that see them, and none further before them than a tile", () => {
    for (const dtype of ["float32", "bfloat16"] as const) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        for (const which of [0, 1, 2]) {
          const each: Sizes = [1, 70, 2, 2, 16];
          const poisoned = inputs(each, dtype).map((x, i) => {
            const values = x.toFloat32();
            if (i === which) values[40 * x.dim(2) + 3] = bad; // token 40
            return tensor(values, x.shape).astype(dtype);
          });
          const [q, k, v] = poisoned;
          if (!q || !k || !v) throw new Error("three inputs");
          const rows = headAttention(q, k, v, options(each, "plain")).astype("float32").reshape(70, 32).toArray();
          const finite = (l: number) => rows.slice(l * 32, l * 32 + 32).every(Number.isFinite);
          for (let l = 0; l < 32; l++) expect(finite(l), `token ${l}`).toBe(true);
          expect(finite(40), `${bad} in input ${which}`).toBe(false);
          if (which > 0 && Number.isNaN(bad)) expect(finite(69)).toBe(false);
          if (which === 0) expect(finite(69)).toBe(true);
        }
      }
    }
  });

  test("a query that a boolean mask leaves nothing takes the mean of all values", () => {
    const each: Sizes = [1, 40, 2, 1, 8];
    const mask = tensor(new Float32Array(40 * 40), [40, 40]).greater(0);
    const [q, k, v] = inputs(each, "float32");
    const found = headAttention(q, k, v, { ...options(each, "plain"), mask }).slice(2, 0, 8);
    expect(found.subtract(v.mean(1, true)).abs().max().item()).toBeLessThan(1e-6);
  });
});

describe.skipIf(!here)("headAttention", () => {
  const refused = (change: Partial<HeadAttention>, qkv = inputs([1, 3, 4, 2, 8], "float32")) =>
    expect(() => headAttention(...qkv, { ...options([1, 3, 4, 2, 8]), ...change }));

  test("refuses what does not fit", () => {
    refused({ kvHeads: 3 }).toThrow("H a multiple of K");
    refused({ heads: 2 }).toThrow("heads of one size");
    refused({ mask: patterned([2, 3]) }).toThrow("mask of [B, H, L, S]");
    refused({ norms: { q: patterned([4]), k: patterned([4]), eps: 1e-5 } }).toThrow("weights of norms [E]");
    const [q, k] = inputs([1, 3, 4, 2, 8], "float32");
    refused({}, [q, k, patterned([1, 2, 16])]).toThrow("q [B, L, H · E] and k, v [B, L, K · E]");
  });
});
