import { afterEach, expect, test } from "vitest";
import { onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { type Body, exactError, floats, results, two } from "../../test/exact-error.ts";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import { experts } from "./kernels.ts";
import { dequantize, integers, quantize, tensor, zeros } from "./ops.ts";
import type { Tensor } from "./tensor.ts";

// T rows · n experts for each · E experts · K inputs · N outputs

afterEach(restoreKernels);

const close: Partial<Record<DType, number>> = { float32: 1e-5, bfloat16: 2 ** -7, float16: 2 ** -10 };
const sizes: [T: number, n: number, E: number, K: number, N: number][] = [
  [1, 1, 2, 3, 2],
  [2, 3, 4, 33, 7],
  [23, 2, 5, 64, 9],
  [70, 4, 7, 70, 41],
];

/** The last expert has none. */
const chosen = (T: number, n: number, E: number) =>
  integers(
    Array.from({ length: T * n }, (_, i) => (i * 7 + (i >> 3)) % (E - 1)),
    [T, n],
  );
const through =
  (indices: Tensor): Body =>
  (x, weight) =>
    x && weight ? [experts(x, { weight }, indices) ?? x] : [];
const exactly = (indices: Tensor) =>
  two((x, w) => [
    x
      .reshape(x.dim(0), 1, 1, x.dim(1))
      .matmul(w.take(indices, 0).transpose(0, 1, 3, 2))
      .squeeze(2),
  ]);

onEachIsa("each row through the experts chosen for it", () => {
  test.each(floats)("in %s equals float64, with gradients, on 1 to 4 threads", (dtype) => {
    for (const [i, [T, n, E, K, N]] of sizes.entries()) {
      native.setCpuThreads(1 + (i % 4));
      const indices = chosen(T, n, E);
      const given = [patterned([T, K]).astype(dtype), patterned([E, N, K], 1).astype(dtype)];
      expect(exactError(through(indices), exactly(indices), given), `${sizes[i]}`).toBeLessThan(close[dtype] ?? 0);
    }
  });

  test.each(floats)("packed, with the gradient of the rows, in %s", (dtype) => {
    const [T, n, E, K, N] = [23, 2, 5, 64, 9];
    const indices = chosen(T, n, E);
    for (const quantization of [
      { bits: 4, group_size: 32, mode: "affine" },
      { bits: 8, group_size: 64, mode: "affine" },
      { bits: 4, group_size: 32, mode: "mxfp4" },
    ]) {
      const [weight, scales, biases] = quantize(patterned([E, N, K], 1), quantization);
      if (!weight || !scales) throw new Error("no weight");
      const dense = dequantize({ weight, scales, biases }, quantization, "float32").astype("float64");
      const body: Body = (x) =>
        x ? [experts(x, { weight: { weight, scales, biases, quantization } }, indices) ?? x] : [];
      const exact: Body = (x) => (x ? exactly(indices)(x, dense) : []);
      expect(exactError(body, exact, [patterned([T, K]).astype(dtype)])).toBeLessThan(2 * (close[dtype] ?? 0));
    }
  });

  test("views are read right", () => {
    const indices = chosen(6, 2, 4);
    const turned = (inner: Body): Body => two((x, w) => inner(x.transpose(), w.transpose(0, 2, 1)));
    const given = [patterned([10, 6]), patterned([4, 10, 5], 1)];
    expect(exactError(turned(through(indices)), turned(exactly(indices)), given)).toBeLessThan(1e-5);
  });

  test("NaN reaches the rows that see it, and no others", () => {
    const x = patterned([5, 8]).toFloat32();
    x[2 * 8 + 1] = Number.NaN;
    const w = patterned([3, 4, 8], 1).toFloat32();
    w[4 * 8 + 3] = Number.POSITIVE_INFINITY; // the first output of expert 1
    const indices = integers([0, 1, 0, 1, 0], [5, 1]);
    const rows = experts(tensor(x, [5, 8]), { weight: tensor(w, [3, 4, 8]) }, indices)?.toArray() ?? [];
    const finite = rows.map(Number.isFinite);
    expect(finite).toEqual(
      Array.from({ length: 20 }, (_, i) => i < 4 || (i > 4 && i < 8) || (i > 12 && i < 16) || i >= 16),
    );
  });

  test("no rows", () => {
    const found = results(through(integers([], [0, 2])), [zeros([0, 5]), patterned([3, 4, 5])]);
    expect(found.map((each) => each.shape)).toEqual([
      [0, 2, 4],
      [0, 5],
      [3, 4, 5],
    ]);
    expect(found[2]?.abs().max().item()).toBe(0);
  });
});
