import { afterEach, expect, test } from "vitest";
import { rotated } from "../../test/attention-reference.ts";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { type Body, exactError, expectSameExtremes, floats, rounding } from "../../test/exact-error.ts";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import * as fast from "./fast.ts";
import { useCpuKernels } from "./kernels.ts";
import { tensor } from "./ops.ts";
import type { Tensor } from "./tensor.ts";

// B batch · H heads · L tokens · E head size

afterEach(restoreKernels);

function options(dims: number, traditional: boolean): fast.RopeOptions & { frequencies: Tensor } {
  const frequencies = tensor(Array.from({ length: dims / 2 }, (_, i) => 10_000 ** ((-2 * i) / dims)));
  return { dims, traditional, base: 10_000, scale: 1, freqs: undefined, frequencies };
}

const turn =
  (dims: number, traditional: boolean, offset: number, view = (x: Tensor) => x): Body =>
  (x) =>
    x ? [fast.rope(view(x), offset, options(dims, traditional))] : [];
const exactly =
  (dims: number, traditional: boolean, offset: number, view = (x: Tensor) => x): Body =>
  (x) =>
    x ? [rotated(view(x), options(dims, traditional).frequencies.toArray(), traditional, offset)] : [];

onEachIsa("rotation", () => {
  test.each(floats)("of %s equals float64, with gradients, on 1 to 4 threads", (dtype) => {
    const cases: [shape: number[], dims: number, offset: number][] = [
      [[1, 1, 1, 2], 2, 0],
      [[2, 3, 5, 7], 6, 3],
      [[2, 2, 70, 12], 8, 100_000],
      [[1, 4, 130, 80], 80, 7],
      [[0, 2, 3, 8], 8, 0],
      [[1, 2, 0, 8], 8, 0],
    ];
    for (const [i, [shape, dims, offset]] of cases.entries()) {
      native.setCpuThreads(1 + (i % 4));
      for (const traditional of [false, true]) {
        const calls = [dims, traditional, offset] as const;
        const error = exactError(turn(...calls), exactly(...calls), [patterned(shape).astype(dtype)]);
        expect(error, `${shape}`).toBeLessThan(rounding[dtype] ?? 0);
      }
    }
  });

  test("views are read right", () => {
    const heads = (x: Tensor) => x.transpose(0, 2, 1, 3);
    expect(exactError(turn(4, false, 2, heads), exactly(4, false, 2, heads), [patterned([2, 5, 3, 4])])).toBeLessThan(
      5e-6,
    );
    const wide = (x: Tensor) => x.slice(3, 1, 7).broadcastTo(2, 3, 5, 6);
    expect(exactError(turn(6, true, 2, wide), exactly(6, true, 2, wide), [patterned([1, 3, 5, 9])])).toBeLessThan(5e-6);
  });

  test("NaN and infinities stay in their pairs", () => {
    const values = patterned([1, 1, 3, 10]).toFloat32();
    [values[2], values[13], values[24], values[29]] = [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ];
    for (const traditional of [false, true]) {
      for (const dtype of floats) {
        const x = tensor(values, [1, 1, 3, 10]).astype(dtype);
        expectSameExtremes(turn(8, traditional, 1), [x]);
      }
    }
  });
});

test.skipIf(!here)("heads that are too large for the kernel are turned by MLX", () => {
  const x = patterned([1, 1, 3, 1026]);
  const rotate = options(1026, false);
  const found = fast.rope(x, 5, rotate).toArray();
  useCpuKernels(false);
  expect(found).toEqual(fast.rope(x, 5, rotate).toArray());
});
