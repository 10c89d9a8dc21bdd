import { afterEach, describe, expect, test } from "vitest";
import { here, restoreKernels } from "../../test/cpu-kernels.ts";
import { patterned } from "../../test/gradients.ts";
import { type AttentionRule, scaledDotProductAttention } from "./attention.ts";
import type { DType } from "./dtype.ts";
import * as fast from "./fast.ts";
import { useCpuKernels } from "./kernels.ts";
import { tensor } from "./ops.ts";
import type { Tensor } from "./tensor.ts";
import { evaluate, valueAndGrad } from "./transforms.ts";

// B batch · H query heads · K key/value heads · L queries · S keys · E head size

afterEach(restoreKernels);

const units: [DType, number][] = [
  ["float32", 1e-5],
  ["bfloat16", 2 ** -7],
  ["float16", 2 ** -10],
];

/** The greatest difference from what MLX's operations give in float32, relative to the greatest value; of all gradients too. */
function difference(body: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]): number {
  const run = (given: Tensor[]): Tensor[] => {
    const { values, gradients } = valueAndGrad((traced) => {
      const out = body(...traced);
      return [
        out
          .multiply(
            patterned(out.shape, 3)
              .astype(inputs[0]?.dtype ?? "float32")
              .astype(out.dtype),
          )
          .sum(),
        out,
      ];
    }, given);
    const all = [...values.slice(1), ...gradients];
    evaluate(all);
    expect(all.every(({ dtype }) => dtype === given[0]?.dtype)).toBe(true);
    return all.map((x) => x.astype("float32"));
  };
  const ours = run(inputs);
  useCpuKernels(false);
  const expected = run(inputs.map((x) => x.astype("float32")));
  useCpuKernels(true);
  const errors = expected.map((each, i) => {
    const error = ours[i]?.subtract(each).abs().max().item() ?? Number.NaN;
    return error / each.abs().max().item();
  });
  return Math.max(...errors);
}

describe.skipIf(!here).each(units)("in %s", (dtype, unit) => {
  const of = (shape: number[], phase: number) => patterned(shape, phase).astype(dtype);

  test("scaledDotProductAttention equals MLX's, with more keys than queries, and its gradients", () => {
    const sizes = [
      [1, 1, 1, 1, 5, 4],
      [2, 6, 2, 3, 40, 20],
      [1, 4, 4, 33, 70, 64],
      [1, 9, 1, 1, 300, 16],
    ];
    for (const [B = 0, H = 0, K = 0, L = 0, S = 0, E = 0] of sizes) {
      const inputs = [of([B, H, L, E], 0), of([B, K, S, E], 1), of([B, K, S, E], 2)];
      const additive = patterned([L, S], 7).astype(dtype);
      const rules: Partial<AttentionRule>[] = [
        { mask: "none" },
        { mask: "causal" },
        { mask: additive.greater(-0.5) },
        { mask: "causal", window: 5 },
        { mask: "causal", softCap: 0.7 },
      ];
      for (const [i, rule] of rules.entries()) {
        const body = (...[q, k, v]: Tensor[]): Tensor => {
          if (!q || !k || !v) throw new Error("three inputs");
          return scaledDotProductAttention(q, k, v, { scale: 0.4, mask: "none", ...rule });
        };
        expect(difference(body, inputs), `rule ${i} of ${[B, H, K, L, S, E]}`).toBeLessThan(8 * unit);
      }
    }
  });

  test("rope equals MLX's, in halves and in pairs, of all elements or some", () => {
    for (const traditional of [false, true]) {
      for (const [shape, dims] of [
        [[2, 3, 5, 8], 8],
        [[1, 70, 24], 20],
        [[1, 2, 33, 128], 128],
      ] as const) {
        const frequencies = tensor(Array.from({ length: dims / 2 }, (_, i) => 10_000 ** ((-2 * i) / dims)));
        const options = { dims, traditional, base: 10_000, scale: 1, freqs: undefined, frequencies };
        const body = (...[x]: Tensor[]): Tensor => {
          if (!x) throw new Error("one input");
          return fast.rope(x, 9, options);
        };
        expect(difference(body, [of([...shape], 0)]), `${shape}`).toBeLessThan(Math.max(unit, 2e-5));
      }
    }
  });
});
