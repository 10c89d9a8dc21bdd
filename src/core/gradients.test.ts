import { describe, expect, test } from "vitest";
import { gradientError, patterned } from "../../test/gradients.ts";
import * as fast from "./fast.ts";
import { useCpuKernels } from "./kernels.ts";
import {
  addmm,
  concatenate,
  cumsum,
  integers,
  type Quantization,
  quantize,
  quantizedMatmul,
  sigmoid,
  silu,
  sliceUpdate,
  softmax,
  takeAlongAxis,
  tensor,
  where,
} from "./ops.ts";
import type { Tensor } from "./tensor.ts";

// Central differences of float32 functions are good to about 1e-3 of the greatest gradient.
const tolerance = 2e-3;

const rope = { dims: 4, traditional: false, base: 100, scale: 1, freqs: undefined };
const llama3Freqs = () => ({ ...rope, base: undefined, freqs: tensor([1, 37.5]) });
const targets = () => integers([2, 0, 4]);
const packing: Quantization = { group_size: 32, bits: 4, mode: "affine" };

const cases: [name: string, body: (...inputs: Tensor[]) => Tensor, shapes: number[][]][] = [
  ["add with broadcasting", (a, b) => pair(a, b, (x, y) => x.add(y)), [[2, 3], [3]]],
  ["divide", (a, b) => pair(a, b, (x, y) => x.divide(y.add(3))), [[2, 3], [3]]],
  ["power", (a) => one(a).add(3).power(1.5), [[2, 3]]],
  [
    "matmul",
    (a, b) => pair(a, b, (x, y) => x.matmul(y)),
    [
      [2, 3, 4],
      [4, 5],
    ],
  ],
  [
    "matmul by a transposed weight",
    (a, b) => pair(a, b, (x, y) => x.matmul(y.transpose())),
    [
      [3, 4],
      [5, 4],
    ],
  ],
  ["addmm", (c, a, b) => addmm(one(c), one(a), one(b), 0.7, 1.3), [[5], [3, 4], [4, 5]]],
  ["sigmoid", (a) => sigmoid(one(a)), [[6]]],
  ["silu", (a) => silu(one(a)), [[6]]],
  [
    "swiglu",
    (a, b) => pair(a, b, (x, y) => fast.swiglu(x, y)),
    [
      [3, 5],
      [3, 5],
    ],
  ],
  ["softmax", (a) => softmax(one(a)), [[3, 5]]],
  ["softmax, precise", (a) => softmax(one(a), 0, { precise: true }), [[3, 5]]],
  ["logsumexp", (a) => one(a).logsumexp(-1, true), [[3, 5]]],
  ["mean", (a) => one(a).mean([0, 2]), [[2, 3, 4]]],
  ["sqrt and exp", (a) => one(a).square().add(1).sqrt().exp(), [[6]]],
  ["log", (a) => one(a).add(2).log(), [[6]]],
  ["where", (a, b) => pair(a, b, (x, y) => where(x.greater(0.1), x.square(), y)), [[6], [6]]],
  ["cumsum", (a) => cumsum(one(a), -1), [[2, 4]]],
  ["rmsNorm", (a, w) => pair(a, w, (x, weight) => fast.rmsNorm(x, weight, 1e-5)), [[3, 6], [6]]],
  ["rmsNorm without a weight", (a) => fast.rmsNorm(one(a), undefined, 1e-5), [[3, 6]]],
  ["layerNorm", (a, w, b) => fast.layerNorm(one(a), w, b, 1e-5), [[3, 6], [6], [6]]],
  ["rope", (a) => fast.rope(one(a), 0, rope), [[1, 2, 3, 4]]],
  ["rope at an offset", (a) => fast.rope(one(a), 7, rope), [[1, 2, 3, 4]]],
  ["rope, traditional", (a) => fast.rope(one(a), 3, { ...rope, traditional: true }), [[1, 2, 3, 4]]],
  ["rope of part of the head, positions scaled", (a) => fast.rope(one(a), 3, { ...rope, scale: 0.5 }), [[1, 2, 3, 6]]],
  ["rope with wavelengths", (a) => fast.rope(one(a), 5, llama3Freqs()), [[1, 2, 3, 4]]],
  ["take, one row twice", (w) => one(w).take(integers([1, 0, 1, 3], [2, 2]), 0), [[4, 3]]],
  ["takeAlongAxis", (a) => takeAlongAxis(one(a), integers([2, 0], [2, 1]), 1), [[2, 3]]],
  [
    "slice and concatenate",
    (a, b) => concatenate([one(a).slice(1, 1), one(b)], 1),
    [
      [2, 3],
      [2, 2],
    ],
  ],
  [
    "sliceUpdate",
    (a, b) => sliceUpdate(one(a), one(b), [0, 1]),
    [
      [2, 4],
      [2, 2],
    ],
  ],
  ["reshape and transpose", (a) => one(a).reshape(2, 2, 3).transpose(1, 0, 2).flatten().square(), [[4, 3]]],
  ["crossEntropy", (a) => fast.crossEntropy(one(a), targets()), [[3, 5]]],
  ["astype", (a) => one(a).astype("float64").square().astype("float32"), [[4]]],
];

function one(x: Tensor | undefined): Tensor {
  if (!x) throw new Error("one more input is needed");
  return x;
}
function pair(a: Tensor | undefined, b: Tensor | undefined, op: (a: Tensor, b: Tensor) => Tensor): Tensor {
  return op(one(a), one(b));
}

test.each(cases)("the gradient of %s agrees with finite differences", (_, body, shapes) => {
  const inputs = shapes.map((shape, i) => patterned(shape, i));
  expect(gradientError(body, inputs)).toBeLessThan(tolerance);
});

test.each([4, 8])("the gradient of quantizedMatmul for x, %s bits", (bits) => {
  const [weight, scales, biases] = quantize(patterned([3, 32]), { ...packing, bits });
  const body = (x?: Tensor) =>
    quantizedMatmul(one(x), { weight: one(weight), scales: one(scales), biases }, { ...packing, bits });
  expect(gradientError(body, [patterned([2, 32])])).toBeLessThan(tolerance);
});

describe.each([
  ["our kernel", true],
  ["MLX's operations", false],
] as const)("the gradient of scaledDotProductAttention by %s", (_, kernels) => {
  const attend = (mask: fast.AttentionMask) => (q?: Tensor, k?: Tensor, v?: Tensor) =>
    fast.scaledDotProductAttention(one(q), one(k), one(v), { scale: 0.5, mask });
  const check = (mask: fast.AttentionMask, q: number[], kv: number[]) => {
    useCpuKernels(kernels);
    try {
      const inputs = [patterned(q), patterned(kv, 1), patterned(kv, 2)];
      expect(gradientError(attend(mask), inputs)).toBeLessThan(tolerance);
    } finally {
      useCpuKernels(true);
    }
  };

  test("without a mask", () => check("none", [1, 2, 3, 4], [1, 2, 5, 4]));
  test("causal", () => check("causal", [1, 2, 4, 4], [1, 2, 4, 4]));
  test("causal, aligned at the end of longer keys", () => check("causal", [1, 2, 2, 4], [1, 2, 5, 4]));
  test("query heads sharing key heads", () => check("causal", [2, 4, 3, 4], [2, 2, 3, 4]));
  test("an additive mask", () => check(patterned([3, 4]), [1, 2, 3, 4], [1, 1, 4, 4]));
});
