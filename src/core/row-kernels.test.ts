import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import * as fast from "./fast.ts";
import { linearCrossEntropy } from "./kernels.ts";
import { integers, tensor } from "./ops.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { evaluate, valueAndGrad } from "./transforms.ts";

const here = native.hasCpuKernels();
const isas = here ? native.cpuIsas() : [];
const threads = here ? native.cpuThreads() : 1;
const floats: DType[] = ["float32", "bfloat16", "float16"];

/** What rounding to a dtype may do to a value, with room for float32 sums. */
const rounding: Partial<Record<DType, number>> = { float32: 5e-6, bfloat16: 2 ** -7, float16: 2 ** -10 };

afterEach(() => {
  if (here) native.setCpuThreads(threads);
});

type Body = (...inputs: Tensor[]) => Tensor[];

/** Outputs and gradients of `body` in the inputs' dtype, against `exact` in float64: the greatest difference, relative. */
function error(body: Body, exact: Body, inputs: Tensor[]): number {
  const run = (compute: Body, given: Tensor[]): Tensor[] => {
    const { values, gradients } = valueAndGrad((traced) => {
      const outputs = compute(...traced);
      const parts = outputs.map((y, i) =>
        y
          .astype("float64")
          .multiply(patterned(y.shape, 3 + i).astype("float64"))
          .sum(),
      );
      return [parts.reduce((sum, each) => sum.add(each)), ...outputs];
    }, given);
    evaluate(values, gradients);
    return [...values.slice(1), ...gradients];
  };
  const found = run(body, inputs);
  const expected = run(
    exact,
    inputs.map((each) => each.astype("float64")),
  );
  const errors = expected.map((reference, i) => {
    if (reference.size === 0) return 0;
    const size = Math.max(reference.abs().max().item(), 1e-6);
    return (found[i] ?? reference).astype("float64").subtract(reference).abs().max().item() / size;
  });
  return Math.max(...errors);
}

function two(body: (a: Tensor, b: Tensor) => Tensor[]): Body {
  return (a, b) => {
    if (!a || !b) throw new Error("two inputs");
    return body(a, b);
  };
}

const sigmoid = (x: Tensor) => tensor([1]).astype("float64").divide(x.negative().exp().add(1));
const norm = (x: Tensor, w: Tensor) => x.divide(x.square().mean(-1, true).add(1e-5).sqrt()).multiply(w);

describe.skipIf(!here).each(isas)("on %s", (isa) => {
  beforeAll(() => native.setCpuIsa(isa));

  const shapes = [
    [1, 3],
    [3, 7],
    [2, 33, 130],
    [1, 700, 64],
    [0, 8],
  ];

  test.each(floats)("norms in %s", (dtype) => {
    for (const shape of shapes) {
      for (const count of [1, 2, 3, 4]) {
        native.setCpuThreads(count);
        const [x, w] = [patterned(shape).astype(dtype), patterned([shape.at(-1) ?? 1], 1).astype(dtype)];
        const body = two((a, b) => [fast.rmsNorm(a, b, 1e-5)]);
        const exact = two((a, b) => [norm(a, b)]);
        expect(
          scope(() => error(body, exact, [x, w])),
          `${shape}`,
        ).toBeLessThan(rounding[dtype] ?? 0);
      }
    }
  });

  test.each(floats)("norms within a residual stream in %s, with and without a change", (dtype) => {
    for (const shape of shapes) {
      const w = patterned([shape.at(-1) ?? 1], 1)
        .add(1.5)
        .astype(dtype);
      const [x, delta] = [patterned(shape).astype(dtype), patterned(shape, 2).astype(dtype)];
      const changed = two((a, b) => fast.residualRmsNorm(a, b, w, 1e-5));
      const exact = two((a, b) => [norm(a.add(b), w.astype("float64")), a.add(b)]);
      expect(scope(() => error(changed, exact, [x, delta]))).toBeLessThan(4 * (rounding[dtype] ?? 0));
      const plain = two((a, b) => fast.residualRmsNorm(a, undefined, b, 1e-5));
      const exactPlain = two((a, b) => [norm(a, b), a]);
      expect(scope(() => error(plain, exactPlain, [x, w]))).toBeLessThan(4 * (rounding[dtype] ?? 0));
    }
  });

  test.each(floats)("gated units and sums in %s", (dtype) => {
    for (const shape of [...shapes, [5, 9000]]) {
      const inputs = [patterned(shape).multiply(6).astype(dtype), patterned(shape, 1).astype(dtype)];
      const close = 2 * (rounding[dtype] ?? 0);
      const swiglu = two((a, b) => [fast.swiglu(a, b)]);
      expect(
        scope(() =>
          error(
            swiglu,
            two((a, b) => [a.multiply(sigmoid(a)).multiply(b)]),
            inputs,
          ),
        ),
      ).toBeLessThan(close);
      const sums = two((a, b) => [fast.add(a, b)]);
      expect(
        scope(() =>
          error(
            sums,
            two((a, b) => [a.add(b)]),
            inputs,
          ),
        ),
      ).toBeLessThan(close);
    }
  });

  test.each(floats)("the cross-entropy of an output layer in %s", (dtype) => {
    for (const [N, D, V] of [
      [1, 3, 2],
      [7, 64, 13],
      [33, 96, 4099],
    ] as const) {
      const targets = integers(Array.from({ length: N }, (_, i) => (i * 7) % V));
      const inputs = [patterned([N, D]).astype(dtype), patterned([V, D], 1).astype(dtype)];
      const body = two((h, weight) => {
        const loss = linearCrossEntropy(h, { weight }, targets, "hidden and weight");
        return loss ? [loss] : [];
      });
      const exact = two((h, w) => [fast.crossEntropy(h.matmul(w.transpose()), targets).sum()]);
      expect(scope(() => error(body, exact, inputs))).toBeLessThan(4 * (rounding[dtype] ?? 0));
    }
  });

  test("NaN and infinities come through", () => {
    const strange = tensor([Number.NaN, 1, Number.POSITIVE_INFINITY, -200]);
    const ones = tensor([1, 1, 1, 1]);
    expect(fast.swiglu(strange, ones).toArray()).toEqual([
      Number.NaN,
      expect.closeTo(0.731, 3),
      Infinity,
      expect.closeTo(0),
    ]);
    expect(fast.add(strange, ones).toArray()).toEqual([Number.NaN, 2, Infinity, -199]);
    expect(fast.rmsNorm(strange, ones, 1e-5).toArray()).toEqual(Array(4).fill(Number.NaN));
    const loss = linearCrossEntropy(strange.reshape(1, 4), { weight: patterned([3, 4]) }, integers([1]), "none");
    expect(loss?.item()).toBeNaN();
  });

  test("views are read right", () => {
    const x = patterned([6, 5]).transpose();
    const w = patterned([6], 1);
    const difference = fast.rmsNorm(x, w, 1e-5).subtract(norm(x, w)).abs().max().item();
    expect(difference).toBeLessThan(1e-5);
    const wide = patterned([1, 8]).broadcastTo(3, 8);
    expect(fast.add(wide, wide).toArray()).toEqual(wide.multiply(2).toArray());
  });
});
