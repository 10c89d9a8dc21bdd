import { afterEach, expect, test } from "vitest";
import { onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { floats } from "../../test/exact-error.ts";
import { native } from "../native/binding.ts";
import { quantizeInGroups } from "./kernels.ts";
import { concatenate, quantize, tensor } from "./ops.ts";
import * as random from "./random.ts";
import type { Tensor } from "./tensor.ts";

afterEach(restoreKernels);

/** Random rows of all magnitudes, and groups that are constant, zero, tiny, far from zero or of one sign. */
function weights(columns: number): Tensor {
  random.seed(3);
  const rows = random.normal([24, columns]).multiply(random.normal([24, 1]).multiply(4).exp());
  const special = [
    () => 0,
    () => 3.7,
    (i: number) => i * 1e-9,
    (i: number) => 300 + 0.001 * i,
    (i: number) => -i,
    () => -1e-8,
  ];
  const odd = special.map((value) =>
    tensor(
      Array.from({ length: columns }, (_, i) => value(i)),
      [1, columns],
    ),
  );
  return concatenate([rows, rows.abs(), ...odd], 0);
}

onEachIsa("packing", () => {
  test.each([2, 3, 4, 5, 6, 8])("%s bits give what MLX gives, to the bit", (bits) => {
    for (const group_size of [32, 64, 128]) {
      for (const dtype of floats) {
        const w = weights(384).astype(dtype);
        for (const threads of [1, 3]) {
          native.setCpuThreads(threads);
          expectSame(w, { group_size, bits, mode: "affine" });
        }
      }
    }
  });

  test("a stack of matrices and one that lies by columns are packed as they are read", () => {
    const w = weights(256);
    expectSame(w.reshape(2, -1, 256), { group_size: 64, bits: 4, mode: "affine" });
    expectSame(w.transpose().slice(1, 0, 32), { group_size: 32, bits: 4, mode: "affine" });
  });

  test("what MLX refuses, and other modes, are left to MLX", () => {
    const w = weights(96);
    for (const settings of [
      { group_size: 64, bits: 4, mode: "affine" },
      { group_size: 32, bits: 7, mode: "affine" },
      { group_size: 16, bits: 4, mode: "affine" },
      { group_size: 32, bits: 4, mode: "mxfp4" },
    ]) {
      expect(quantizeInGroups(w, settings)).toBeUndefined();
    }
  });
});

function expectSame(w: Tensor, settings: { group_size: number; bits: number; mode: string }): void {
  const ours = quantizeInGroups(w, settings);
  const theirs = quantize(w, settings);
  expect(ours?.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
    theirs.map(({ dtype, shape }) => ({ dtype, shape })),
  );
  expect(ours?.map((part) => part.toArray())).toEqual(theirs.map((part) => part.toArray()));
}
