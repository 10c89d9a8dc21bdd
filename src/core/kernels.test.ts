import { afterEach, describe, expect, test } from "vitest";
import { here, restoreKernels } from "../../test/cpu-kernels.ts";
import { gradientError, pattern, patterned } from "../../test/gradients.ts";
import * as fast from "./fast.ts";
import { type GradientSet, hasCpuKernels, linearCrossEntropy, useCpuKernels } from "./kernels.ts";
import { integers, tensor } from "./ops.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { evaluate, valueAndGrad } from "./transforms.ts";

afterEach(restoreKernels);

/** −log softmax(h · wᵀ)[target] summed over rows, and its gradient for h, in float64. */
function reference(h: number[], w: number[], targets: number[], D: number): { loss: number; gradient: number[] } {
  const V = w.length / D;
  let loss = 0;
  const gradient = targets.flatMap((target, row) => {
    const logits = Float64Array.from({ length: V }, (_, v) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += (h[row * D + d] ?? 0) * (w[v * D + d] ?? 0);
      return sum;
    });
    const greatest = logits.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY);
    const total = logits.reduce((sum, each) => sum + Math.exp(each - greatest), 0);
    loss += Math.log(total) + greatest - (logits[target] ?? Number.NaN);
    return Array.from({ length: D }, (_, d) => {
      let sum = -(w[target * D + d] ?? 0);
      for (let v = 0; v < V; v++) sum += (Math.exp((logits[v] ?? 0) - greatest) / total) * (w[v * D + d] ?? 0);
      return sum;
    });
  });
  return { loss, gradient };
}

function relative(found: readonly number[], expected: readonly number[]): number {
  const size = Math.max(1e-9, ...expected.map(Math.abs));
  return Math.max(0, ...expected.map((each, i) => Math.abs(each - (found[i] ?? Number.NaN)))) / size;
}

const loss = (gradients: GradientSet, targets: Tensor) => (inputs: readonly Tensor[]) => {
  const [h, w] = inputs;
  if (!h || !w) throw new Error("two inputs");
  const sum = linearCrossEntropy(h, { weight: w }, targets, gradients);
  if (!sum) throw new Error("the kernel knows float32");
  return sum;
};

describe.skipIf(!here)("linearCrossEntropy", () => {
  test.each([
    [1, 1, 1],
    [1, 3, 2],
    [7, 5, 13],
    [33, 17, 257],
    [3, 64, 4097],
  ])("equals float64, %i rows of %i against a vocabulary of %i", (N, D, V) => {
    const h = Array.from(patterned([N, D]).toFloat32(), (each) => each * 2);
    const w = Array.from(patterned([V, D], 1).toFloat32());
    const targets = Array.from({ length: N }, (_, i) => (i * 7) % V);
    const expected = reference(h, w, targets, D);
    const weight = tensor(w, [V, D]);
    const { values, gradients } = valueAndGrad(
      (inputs) => [loss("hidden", integers(targets))([...inputs, weight])],
      [tensor(h, [N, D])],
    );
    expect(relative([values[0]?.item() ?? Number.NaN], [expected.loss])).toBeLessThan(1e-6);
    expect(relative(gradients[0]?.toArray() ?? [], expected.gradient)).toBeLessThan(V === 1 ? 1e9 : 2e-6);
  });

  test("in several chunks of rows, the last incomplete", () => {
    const [N, D, V] = [60, 2, 600_000]; // 55 rows of logits fill a chunk
    const h = Array.from(patterned([N, D]).toFloat32());
    const w = Array.from(patterned([V, D], 1).toFloat32());
    const targets = Array.from({ length: N }, (_, i) => (i * 9973) % V);
    const expected = reference(h, w, targets, D);
    const { values, gradients } = valueAndGrad(
      (inputs) => [loss("hidden and weight", integers(targets))(inputs)],
      [tensor(h, [N, D]), tensor(w, [V, D])],
    );
    expect(relative([values[0]?.item() ?? Number.NaN], [expected.loss])).toBeLessThan(1e-6);
    expect(relative(gradients[0]?.toArray() ?? [], expected.gradient)).toBeLessThan(1e-5);
    // Each row's probabilities and its target cancel: over the vocabulary the weight's gradient sums to nothing.
    expect(gradients[1]?.sum(0).abs().max().item()).toBeLessThan(1e-3);
  });

  test("the gradient for hidden and weight, against finite differences", () => {
    const targets = integers([3, 0, 6]);
    const body = (...inputs: Tensor[]) => loss("hidden and weight", targets)(inputs).multiply(0.7);
    expect(gradientError(body, [patterned([3, 4]), patterned([7, 4], 1)])).toBeLessThan(2e-3);
  });

  test("views that are not contiguous are read right", () => {
    const targets = integers([1, 2, 0]);
    const [h, w] = [patterned([4, 3]), patterned([4, 5], 1)];
    const plain = fast.crossEntropy(h.transpose().matmul(w), targets).sum().item();
    expect(relative([loss("none", targets)([h.transpose(), w.transpose()]).item()], [plain])).toBeLessThan(1e-6);
  });

  test("large logits neither overflow nor vanish", () => {
    const w = tensor([100, -100, 0], [3, 1]);
    const at = (target: number) => loss("none", integers([target]))([tensor([10], [1, 1]), w]).item();
    expect(at(0)).toBeCloseTo(0, 6);
    expect(at(1)).toBeCloseTo(2000, 2);
  });

  test("a NaN anywhere makes the loss NaN", () => {
    const [h, w] = [pattern(8), pattern(20)];
    const poisoned = (values: number[], at: number) => values.map((each, i) => (i === at ? Number.NaN : each));
    const value = (hidden: number[], weight: number[]) =>
      loss("none", integers([1, 2]))([tensor(hidden, [2, 4]), tensor(weight, [5, 4])]).item();
    expect(value(h, w)).not.toBeNaN();
    expect(value(poisoned(h, 5), w)).toBeNaN();
    expect(value(h, poisoned(w, 5))).toBeNaN();
    expect(value(h, poisoned(w, 17))).toBeNaN();
  });

  test("shapes and dtypes that do not fit, and gradients that were not asked for, are refused", () => {
    const [h, w, t] = [patterned([2, 3]), patterned([4, 3]), integers([0, 1])];
    const narrow = { weight: patterned([4, 2]) };
    expect(() => linearCrossEntropy(h, narrow, t, "none")).toThrow("needs hidden [N, D], weight [V, D]");
    expect(() => linearCrossEntropy(h, { weight: w }, integers([0]), "none")).toThrow("needs hidden [N, D], weight");
    expect(linearCrossEntropy(h.astype("int32"), { weight: w }, t, "none")).toBeUndefined();
    expect(() => valueAndGrad((inputs) => [loss("hidden", t)(inputs)], [h, w])).toThrow("made without this gradient");
  });
});

/** Outputs and gradients by our kernel and by MLX's operations, and the greatest relative difference of any. */
function difference(body: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]): number {
  const run = (kernels: boolean): number[][] => {
    useCpuKernels(kernels);
    const { values, gradients } = valueAndGrad((traced) => {
      const output = body(...traced);
      return [output.multiply(patterned(output.shape, 3)).sum(), output];
    }, inputs);
    evaluate(values, gradients);
    return [...values.slice(1), ...gradients].map((each) => each.toArray());
  };
  const [ours, theirs] = [run(true), run(false)];
  return Math.max(...theirs.map((expected, i) => relative(ours[i] ?? [], expected)));
}

describe.skipIf(!here)("attention", () => {
  const attend =
    (mask: "causal" | "none") =>
    (...[q, k, v]: Tensor[]): Tensor => {
      if (!q || !k || !v) throw new Error("three inputs");
      return fast.scaledDotProductAttention(q, k, v, { scale: 0.3, mask });
    };
  const cases: [B: number, H: number, K: number, L: number, S: number, E: number][] = [
    [1, 1, 1, 1, 1, 1],
    [2, 4, 2, 5, 5, 8],
    [1, 4, 1, 1, 300, 16],
    [1, 2, 2, 64, 64, 16],
    [1, 2, 1, 65, 130, 12],
    [2, 6, 2, 200, 200, 32],
  ];
  test.each(cases)("equals MLX's: B %i, H %i, K %i, L %i, S %i, E %i", (B, H, K, L, S, E) => {
    for (const mask of ["causal", "none"] as const) {
      const inputs = [patterned([B, H, L, E]), patterned([B, K, S, E], 1), patterned([B, K, S, E], 2)];
      expect(
        scope(() => difference(attend(mask), inputs)),
        mask,
      ).toBeLessThan(2e-5);
    }
  });

  test("reads transposed, broadcast and sliced views", () => {
    const q = patterned([2, 5, 3, 4]);
    const k = patterned([2, 4, 9, 3], 1);
    const v = patterned([1, 1, 9, 4], 2);
    const body = (...[a, b, c]: Tensor[]): Tensor => {
      if (!a || !b || !c) throw new Error("three inputs");
      return attend("causal")(
        a.transpose(0, 2, 1, 3),
        b.transpose(0, 3, 2, 1).slice(2, 0, 7),
        c.broadcastTo(2, 3, 9, 4).slice(2, 2),
      );
    };
    expect(scope(() => difference(body, [q, k, v]))).toBeLessThan(2e-5);
  });

  test("a NaN in queries, keys or values comes out", () => {
    const inputs = [patterned([1, 1, 2, 4]), patterned([1, 1, 2, 4], 1), patterned([1, 1, 2, 4], 2)];
    for (let which = 0; which < 3; which++) {
      const poisoned = inputs.map((x, i) => (i === which ? x.multiply(Number.NaN) : x));
      expect(attend("none")(...poisoned).toArray(), `input ${which}`).toEqual(Array(8).fill(Number.NaN));
    }
  });

  test("shapes that do not fit are refused", () => {
    const x = patterned([1, 3, 4, 2]);
    expect(() => attend("none")(x, patterned([1, 2, 4, 2]), patterned([1, 2, 4, 2]))).toThrow("H a multiple of K");
    expect(() => attend("causal")(x, patterned([1, 3, 2, 2]), patterned([1, 3, 2, 2]))).toThrow(/attention needs/);
  });
});

describe.skipIf(!here)("swiglu", () => {
  test.each([[[1]], [[3, 7]], [[2, 130, 257]]])("equals MLX's, shape %j", (shape) => {
    const body = (...[gate, up]: Tensor[]): Tensor => {
      if (!gate || !up) throw new Error("two inputs");
      return fast.swiglu(gate.multiply(20), up);
    };
    expect(scope(() => difference(body, [patterned(shape), patterned(shape, 1)]))).toBeLessThan(2e-6);
  });

  test("tensors of two dtypes are left to MLX", () => {
    const [gate, up] = [patterned([2, 3]), patterned([2, 3], 1)];
    const expected = gate.multiply(up.astype("bfloat16")).divide(gate.negative().exp().add(1)).toArray();
    expect(relative(fast.swiglu(gate, up.astype("bfloat16")).toArray(), expected)).toBeLessThan(1e-5);
  });

  test("saturates at both ends", () => {
    const gate = tensor([-1000, -90, 90, 1000]);
    expect(fast.swiglu(gate, tensor([1, 1, 1, 1])).toArray()).toEqual([
      expect.closeTo(0, 30),
      expect.closeTo(0, 30),
      90,
      1000,
    ]);
  });
});

describe.skipIf(!here)("rmsNorm", () => {
  test.each([[[1, 2]], [[3, 7]], [[2, 130, 257]], [[4, 33, 3, 16]]])("equals MLX's, shape %j", (shape) => {
    const body = (...[x, weight]: Tensor[]): Tensor => {
      if (!x || !weight) throw new Error("two inputs");
      return fast.rmsNorm(x, weight, 1e-5);
    };
    const inputs = [patterned(shape), patterned([shape.at(-1) ?? 1], 1)];
    expect(scope(() => difference(body, inputs))).toBeLessThan(1e-5);
  });
});

describe.skipIf(!here)("rope", () => {
  const options = (dims: number): fast.RopeOptions => ({
    dims,
    traditional: false,
    base: 10_000,
    scale: 1,
    freqs: undefined,
    frequencies: tensor(Array.from({ length: dims / 2 }, (_, i) => 10_000 ** ((-2 * i) / dims))),
  });

  test.each([
    [[1, 1, 1, 2], 2, 0],
    [[2, 3, 5, 8], 8, 0],
    [[1, 2, 130, 16], 16, 7],
    [[2, 2, 70, 12], 8, 3],
  ])("equals MLX's, shape %j, %i elements turned, from position %i", (shape, dims, offset) => {
    const rotate = options(dims);
    const body = (...[x]: Tensor[]): Tensor => {
      if (!x) throw new Error("one input");
      return fast.rope(x, offset, rotate);
    };
    expect(scope(() => difference(body, [patterned(shape)]))).toBeLessThan(2e-5);
  });

  test("reads heads that lie behind positions", () => {
    const rotate = options(4);
    const body = (...[x]: Tensor[]): Tensor => {
      if (!x) throw new Error("one input");
      return fast.rope(x.transpose(0, 2, 1, 3), 2, rotate);
    };
    expect(difference(body, [patterned([2, 5, 3, 4])])).toBeLessThan(2e-5);
  });
});

test.skipIf(!here)("floating dtypes are ours, others MLX's; CYGNET_CPU_KERNELS=off leaves all to MLX", () => {
  expect((["float32", "bfloat16", "float16"] as const).map((dtype) => hasCpuKernels(dtype))).toEqual([
    true,
    true,
    true,
  ]);
  expect(hasCpuKernels("int32")).toBe(false);
  useCpuKernels(false);
  expect(hasCpuKernels("float32")).toBe(false);
});
