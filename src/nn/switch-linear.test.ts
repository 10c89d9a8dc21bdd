import { afterEach, describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { integers, type Quantization, stack, tensor } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate, valueAndGrad } from "../core/transforms.ts";
import { expertProduct, QuantizedSwitchLinear, SwitchLinear } from "./switch-linear.ts";

afterEach(() => useCpuKernels(true));

const [T, n, E, K, N] = [7, 2, 4, 64, 6];
const chosen = Array.from({ length: T * n }, (_, i) => (i * 5 + (i >> 2)) % (E - 1)); // one is never chosen
const indices = integers(chosen, [T, n]);
const routing = { indices, sorted: false };

/** x [T, m, K] through the weights, choice by choice. */
function oneByOne(x: Tensor, weight: Tensor): Tensor {
  const rows = chosen.map((expert, i) => {
    const token = x.at(0, Math.floor(i / n));
    const row = token.at(0, x.dim(1) === 1 ? 0 : i % n);
    return row.expandDims(0).matmul(weight.at(0, expert).transpose()).squeeze(0);
  });
  return stack(rows).reshape(T, n, weight.dim(1));
}

function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return a.subtract(b).abs().max().item() / Math.max(1e-3, b.abs().max().item());
}

describe.each([true, false])("our kernels: %s", (on) => {
  test.each([1, n])("rows go through the experts chosen for them, %i of each token, with gradients", (m) => {
    useCpuKernels(on);
    const [x, weight] = [patterned([T, m, K]), patterned([E, N, K], 1)];
    const layer = SwitchLinear.of(weight.add(0));
    expect([layer.expertCount, layer.outputDims, layer.inputDims]).toEqual([E, N, K]);
    expect(difference(layer.forward(x, routing), oneByOne(x, weight))).toBeLessThan(1e-5);
    const gradients = (product: (x: Tensor, w: Tensor) => Tensor) => {
      const { gradients } = valueAndGrad(
        ([input, w]) => {
          if (!input || !w) throw new Error("two inputs");
          return [
            product(input, w)
              .multiply(patterned([T, n, N], 2))
              .sum(),
          ];
        },
        [x, weight],
      );
      evaluate(gradients);
      return gradients;
    };
    const found = gradients((input, w) => expertProduct(input, w, routing));
    const expected = gradients(oneByOne);
    for (const [i, reference] of expected.entries()) {
      const ours = found[i];
      if (!ours) throw new Error("a gradient is missing");
      expect(difference(ours, reference), `input ${i}`).toBeLessThan(1e-5);
    }
  });

  test.each<Quantization>([
    { bits: 4, group_size: 32, mode: "affine" },
    { bits: 8, group_size: 64, mode: "affine" },
    { bits: 3, group_size: 32, mode: "affine" },
    { bits: 4, group_size: 32, mode: "mxfp4" },
    { bits: 4, group_size: 16, mode: "nvfp4" },
    { bits: 8, group_size: 32, mode: "mxfp8" },
  ])("packed weights compute as what they stand for: $mode, $bits bits", (quantization) => {
    useCpuKernels(on);
    const packed = QuantizedSwitchLinear.from(SwitchLinear.of(patterned([E, N, K], 1)), quantization);
    expect([packed.expertCount, packed.outputDims, packed.inputDims]).toEqual([E, N, K]);
    expect(packed.trainableParameters()).toEqual({});
    const x = patterned([T, 1, K]);
    expect(difference(packed.forward(x, routing), oneByOne(x, packed.denseWeight()))).toBeLessThan(1e-4);
  });

  test("sorted rows give what rows in any order give", () => {
    useCpuKernels(on);
    const order = chosen.map((_, i) => i).sort((a, b) => (chosen[a] ?? 0) - (chosen[b] ?? 0));
    const x = patterned([T * n, 1, K]);
    const weight = patterned([E, N, K], 1);
    const sorted = {
      indices: integers(
        order.map((i) => chosen[i] ?? 0),
        [T * n, 1],
      ),
      sorted: true,
    };
    const at = integers(order);
    const found = expertProduct(x.take(at, 0), weight, sorted);
    const expected = expertProduct(x, weight, { indices: indices.reshape(T * n, 1), sorted: false }).take(at, 0);
    expect(difference(found, expected)).toBeLessThan(1e-5);
  });
});

test("a row without weights of its own dtype is computed all the same", () => {
  const x = patterned([T, 1, K]);
  const half = patterned([E, N, K], 1).astype("float16");
  expect(difference(expertProduct(x, half, routing), oneByOne(x, half.astype("float32")))).toBeLessThan(1e-5);
  expect(
    expertProduct(tensor([1, 2], [1, 1, 2]), tensor([3, 4], [1, 1, 2]), {
      ...routing,
      indices: integers([0], [1, 1]),
    }).toArray(),
  ).toEqual([11]);
});
