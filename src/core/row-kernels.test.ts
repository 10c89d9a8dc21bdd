import { afterEach, expect, test } from "vitest";
import { onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { type Body, exactError, expectSameExtremes, floats, rounding, two } from "../../test/exact-error.ts";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import * as fast from "./fast.ts";
import { linearCrossEntropy } from "./kernels.ts";
import { dequantize, integers, quantize, tanh, tensor, zeros } from "./ops.ts";
import { Tensor } from "./tensor.ts";
import { valueAndGrad } from "./transforms.ts";

afterEach(restoreKernels);

const shapes = [
  [1, 3],
  [3, 7],
  [2, 33, 130],
  [1, 700, 64],
  [5, 9000],
  [0, 8],
];

const sigmoid = (x: Tensor) => x.negative().exp().add(1).power(-1);
const norm = (x: Tensor, w: Tensor) => x.divide(x.square().mean(-1, true).add(1e-5).sqrt()).multiply(w);
const gelu = (x: Tensor) =>
  tanh(x.add(x.power(3).multiply(0.044715)).multiply(Math.sqrt(2 / Math.PI)))
    .add(1)
    .multiply(x)
    .multiply(0.5);
const geglu = (gate: Tensor, up: Tensor) => new Tensor(native.cpuGated(gate.handle, up.handle, 1));

/** Kernels of two inputs, and what they compute in simple operations. */
const gates: [name: string, body: Body, exact: Body][] = [
  [
    "SwiGLU",
    two((gate, up) => [fast.swiglu(gate, up)]),
    two((gate, up) => [gate.multiply(sigmoid(gate)).multiply(up)]),
  ],
  ["GeGLU", two((gate, up) => [geglu(gate, up)]), two((gate, up) => [gelu(gate).multiply(up)])],
  ["sums", two((a, b) => [fast.add(a, b)]), two((a, b) => [a.add(b)])],
];
const norms: [name: string, body: Body, exact: Body][] = [
  ["norms", two((x, w) => [fast.rmsNorm(x, w, 1e-5)]), two((x, w) => [norm(x, w)])],
  [
    "norms within a residual stream",
    two((x, w) => fast.residualRmsNorm(x, undefined, w, 1e-5)),
    two((x, w) => [norm(x, w), x]),
  ],
];
const changed =
  (w: Tensor): Body =>
  (x, delta) => {
    if (!x || !delta) throw new Error("two inputs");
    return fast.residualRmsNorm(x, delta, w, 1e-5);
  };

function inputs(
  shape: readonly number[],
  dtype: DType,
  [first, second]: readonly number[][] = [[...shape], [...shape]],
) {
  return [patterned(first ?? shape), patterned(second ?? shape, 1)].map((each) => each.astype(dtype));
}

onEachIsa("rows", () => {
  test.each(floats)("of %s equal float64, with gradients, on 1 to 4 threads", (dtype) => {
    const close = rounding[dtype] ?? 0;
    for (const [i, shape] of shapes.entries()) {
      native.setCpuThreads(1 + (i % 4));
      const weight = [shape.at(-1) ?? 1];
      for (const [name, body, exact] of norms) {
        expect(exactError(body, exact, inputs(shape, dtype, [shape, weight])), `${name} ${shape}`).toBeLessThan(
          4 * close,
        );
      }
      const w = patterned(weight, 1).add(1.5).astype(dtype);
      const exact = two((x, delta) => [norm(x.add(delta), w.astype("float64")), x.add(delta)]);
      expect(exactError(changed(w), exact, inputs(shape, dtype)), `${shape}`).toBeLessThan(4 * close);
      for (const [name, body, exact] of gates) {
        const [gate, up] = inputs(shape, dtype);
        if (!gate || !up) throw new Error("two inputs");
        expect(exactError(body, exact, [gate.multiply(6), up]), `${name} ${shape}`).toBeLessThan(2 * close);
      }
    }
  });

  test("views are read right, and gradients of views come back", () => {
    const turned = (body: Body): Body => two((a, b) => body(a.transpose(), b));
    const broadcast = (body: Body): Body => two((a, b) => body(a.broadcastTo(3, 4, 6), b));
    for (const [name, body, exact] of norms) {
      const weights = patterned([12], 1).slice(0, 3, 9);
      expect(exactError(turned(body), turned(exact), [patterned([6, 5]), weights]), name).toBeLessThan(1e-5);
      expect(exactError(broadcast(body), broadcast(exact), [patterned([4, 6]), weights]), name).toBeLessThan(1e-5);
    }
    for (const [name, body, exact] of gates) {
      const slice = patterned([5, 13], 1).slice(1, 4, 10);
      expect(exactError(turned(body), turned(exact), [patterned([6, 5]), slice]), name).toBeLessThan(1e-5);
      const row = patterned([6], 1).broadcastTo(3, 4, 6);
      expect(exactError(broadcast(body), broadcast(exact), [patterned([4, 6]), row]), name).toBeLessThan(1e-5);
    }
    const w = patterned([6], 1);
    const exact = two((x, delta) => [norm(x.add(delta), w.astype("float64")), x.add(delta)]);
    const given = [patterned([6, 5]), patterned([5, 12], 2).slice(1, 6)];
    expect(exactError(turned(changed(w)), turned(exact), given)).toBeLessThan(1e-5);
  });

  test("NaN and infinities stay in their rows and elements", () => {
    const { NaN: nan, POSITIVE_INFINITY: high, NEGATIVE_INFINITY: low } = Number;
    const strange = [nan, 1, high, -200, low, 2, ...patterned([24]).toArray()];
    for (const dtype of floats) {
      const x = tensor(strange, [10, 3]).astype(dtype);
      const y = patterned([10, 3], 1).astype(dtype);
      for (const [, body] of norms) expectSameExtremes(body, [x, patterned([3], 2).astype(dtype)]);
      expectSameExtremes(changed(patterned([3], 2).astype(dtype)), [y, x]);
      for (const [name, body] of gates) {
        if (name === "GeGLU") continue;
        expectSameExtremes(body, [x, y]);
        // MLX's gradient of a gate is ∞ − ∞ where the other factor is infinite.
        expectSameExtremes(body, [y, name === "sums" ? x : tensor(Array(30).fill(nan), [10, 3]).astype(dtype)]);
      }
    }
    const ones = tensor(Array(4).fill(1));
    const ends = tensor([nan, high, 1, -200]);
    expect(geglu(ends, ones).toArray()).toEqual([nan, high, expect.closeTo(0.8412, 4), expect.closeTo(0)]);
    expect(fast.swiglu(ends, ones).toArray()).toEqual([nan, high, expect.closeTo(0.7311, 4), expect.closeTo(0)]);
  });
});

onEachIsa("the cross-entropy of an output layer", () => {
  const sizes = [
    [1, 3, 2],
    [7, 64, 13],
    [33, 96, 4099],
  ] as const;
  const targets = (N: number, V: number) =>
    integers(
      Array.from({ length: N }, (_, i) => (i * 7) % V),
      [N],
    );
  const exactly =
    (ids: Tensor): Body =>
    (h, w) => {
      if (!h || !w) throw new Error("two inputs");
      return [fast.crossEntropy(h.matmul(w.transpose()), ids).sum()];
    };

  test.each(floats)("of %s equals float64, with gradients, on 1 to 4 threads", (dtype) => {
    for (const [i, [N, D, V]] of sizes.entries()) {
      native.setCpuThreads(1 + (i % 4));
      const ids = targets(N, V);
      const body = two((h, weight) => {
        const loss = linearCrossEntropy(h, { weight }, ids, "hidden and weight");
        return loss ? [loss] : [];
      });
      const given = [patterned([N, D]).astype(dtype), patterned([V, D], 1).astype(dtype)];
      expect(exactError(body, exactly(ids), given), `${N} of ${D} to ${V}`).toBeLessThan(4 * (rounding[dtype] ?? 0));
    }
  });

  test("of packed weights", () => {
    const [N, D, V] = [9, 64, 131];
    const quantization = { bits: 4, group_size: 32, mode: "affine" };
    const [weight, scales, biases] = quantize(patterned([V, D], 1), quantization);
    if (!weight || !scales) throw new Error("no weight");
    const ids = targets(N, V);
    const body: Body = (h) => {
      const head = { weight: { weight, scales, biases, quantization } };
      const loss = h && linearCrossEntropy(h, head, ids, "hidden");
      return loss ? [loss] : [];
    };
    const dense = dequantize({ weight, scales, biases }, quantization, "float32").astype("float64");
    const exact: Body = (h) => (h ? exactly(ids)(h, dense) : []);
    expect(exactError(body, exact, [patterned([N, D])])).toBeLessThan(2e-5);
  });

  test("of no rows is 0, and its gradients too", () => {
    const { values, gradients } = valueAndGrad(
      ([h, weight]) => {
        const loss = h && weight && linearCrossEntropy(h, { weight }, integers([]), "hidden and weight");
        return loss ? [loss] : [];
      },
      [zeros([0, 5]), patterned([7, 5])],
    );
    expect(values[0]?.item()).toBe(0);
    expect(gradients.map((each) => each.shape)).toEqual([
      [0, 5],
      [7, 5],
    ]);
    expect(gradients[1]?.abs().max().item()).toBe(0);
  });

  test("with a NaN is NaN", () => {
    const hidden = tensor([Number.NaN, 1, Number.POSITIVE_INFINITY, -200], [1, 4]);
    expect(linearCrossEntropy(hidden, { weight: patterned([3, 4]) }, integers([1]), "none")?.item()).toBeNaN();
  });
});
