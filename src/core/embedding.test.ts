import { afterEach, expect, test } from "vitest";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { exactError, floats, rounding } from "../../test/exact-error.ts";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import { embedding } from "./kernels.ts";
import { dequantize, integers, quantize } from "./ops.ts";
import type { Tensor } from "./tensor.ts";
import { valueAndGrad } from "./transforms.ts";

afterEach(restoreKernels);

function rows(ids: Tensor, table: Tensor): Tensor {
  const found = embedding(ids, table, table.dtype);
  if (!found) throw new Error("the kernel takes this table");
  return found;
}

onEachIsa("embedding", () => {
  test("rows and the table's gradient equal those in float64, for ids that repeat", () => {
    const ids = integers([3, 0, 3, 6, 3, 0], [2, 3]);
    for (const dtype of floats) {
      const table = patterned([7, 37], 1).astype(dtype);
      for (const threads of [1, 2, 3, 4]) {
        native.setCpuThreads(threads);
        const found = exactError(
          (w = table) => [rows(ids, w)],
          (w = table) => [w.take(ids, 0)],
          [table],
        );
        expect(found).toBeLessThan(rounding[dtype] ?? 0);
      }
    }
  });

  test("large tables are shared by threads", () => {
    const count = 900;
    const ids = integers(
      Array.from({ length: count }, (_, i) => (i * 37) % 211),
      [count],
    );
    const table = patterned([250, 96], 2);
    native.setCpuThreads(3);
    const error = exactError(
      (w = table) => [rows(ids, w)],
      (w = table) => [w.take(ids, 0)],
      [table],
    );
    expect(error).toBeLessThan(rounding.float32 ?? 0);
  });

  test.each([
    { mode: "affine", bits: 4, group_size: 32 },
    { mode: "affine", bits: 3, group_size: 64 },
    { mode: "affine", bits: 8, group_size: 64 },
    { mode: "mxfp4", bits: 4, group_size: 32 },
    { mode: "mxfp8", bits: 8, group_size: 32 },
    { mode: "nvfp4", bits: 4, group_size: 16 },
  ] as const)("a table packed as $mode with $bits bits is read as MLX de-quantizes it", (quantization) => {
    const [weight, scales, biases] = quantize(patterned([9, 128], 4), quantization);
    if (!weight || !scales) throw new Error("quantize gives a weight");
    const ids = integers([8, 0, 5], [3]);
    const dense = dequantize({ weight, scales, biases }, quantization, "float32").take(ids, 0);
    const found = embedding(ids, { weight, scales, biases, quantization }, "float32");
    expect(found?.subtract(dense).abs().max().item()).toBeLessThan(1e-6);
  });

  test("views, no ids and ids outside the table", () => {
    const table = patterned([6, 10], 3);
    const view = table.transpose(); // [10, 6]
    const ids = integers([1, 9, -1, 10], [4]);
    const found = rows(ids, view).toArray();
    expect(found.slice(0, 12)).toEqual(view.take(integers([1, 9], [2]), 0).toArray());
    expect(found.slice(12)).toEqual(Array(12).fill(0));
    expect(rows(integers([], [0, 2]), table).shape).toEqual([0, 2, 10]);
  });
});

test.skipIf(!here)("a packed table has no gradient", () => {
  const quantization = { mode: "affine", bits: 4, group_size: 32 } as const;
  const [weight, scales, biases] = quantize(patterned([4, 32], 4), quantization);
  if (!weight || !scales) throw new Error("quantize gives a weight");
  const loss = ([s = scales]: Tensor[]): Tensor[] => {
    const found = embedding(integers([1], [1]), { weight, scales: s, biases, quantization }, "float32");
    return found ? [found.sum()] : [];
  };
  expect(() => valueAndGrad(loss, [scales])).toThrow("no gradient");
});
