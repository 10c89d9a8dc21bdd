import { expect } from "vitest";
import type { DType } from "../src/core/dtype.ts";
import { useCpuKernels } from "../src/core/kernels.ts";
import { scope } from "../src/core/scope.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { evaluate, valueAndGrad } from "../src/core/transforms.ts";
import { patterned } from "./gradients.ts";

export const floats: DType[] = ["float32", "bfloat16", "float16"];

/** What rounding to a dtype may do to a value, with room for float32 sums. */
export const rounding: Partial<Record<DType, number>> = { float32: 5e-6, bfloat16: 2 ** -7, float16: 2 ** -10 };

export type Body = (...inputs: Tensor[]) => Tensor[];

/** Outputs of a body and the gradients of all inputs, for cotangents of a fixed pattern that a dtype holds. */
export function results(body: Body, inputs: readonly Tensor[], dtype: DType = "float32"): Tensor[] {
  const { values, gradients } = valueAndGrad((traced) => {
    const outputs = body(...traced);
    const parts = outputs.map((y, i) =>
      y
        .astype("float64")
        .multiply(
          patterned(y.shape, 3 + i)
            .astype(dtype)
            .astype("float64"),
        )
        .sum(),
    );
    return [parts.reduce((sum, each) => sum.add(each)), ...outputs];
  }, inputs);
  evaluate(values, gradients);
  return [...values.slice(1), ...gradients];
}

/** The greatest difference of outputs and gradients from what `exact` gives in float64, relative to the greatest of each. */
export function exactError(body: Body, exact: Body, inputs: readonly Tensor[]): number {
  return scope(() => {
    const dtype = inputs[0]?.dtype;
    const found = results(body, inputs, dtype);
    const wide = inputs.map((each) => each.astype("float64"));
    const expected = results(exact, wide, dtype);
    const errors = expected.map((reference, i) => {
      expect(found[i]?.shape).toEqual(reference.shape);
      if (reference.size === 0) return 0;
      const size = Math.max(reference.abs().max().item(), 1e-6);
      return (found[i] ?? reference).astype("float64").subtract(reference).abs().max().item() / size;
    });
    return Math.max(...errors);
  });
}

/** NaN and infinities lie where MLX's operations put them, in outputs and gradients. */
export function expectSameExtremes(body: Body, inputs: readonly Tensor[]): void {
  const extremes = () =>
    scope(() =>
      results(body, inputs).map((each) => each.toArray().map((value) => (Number.isFinite(value) ? "finite" : value))),
    );
  const found = extremes();
  useCpuKernels(false);
  const expected = extremes();
  useCpuKernels(true);
  expect(found).toEqual(expected);
}

/** A body of two inputs. */
export function two(body: (a: Tensor, b: Tensor) => Tensor[]): Body {
  return (a, b) => {
    if (!a || !b) throw new Error("two inputs");
    return body(a, b);
  };
}
