import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import { experts, linear, type Projection, useCpuKernels } from "./kernels.ts";
import { dequantize, integers, type Quantization, quantize, tensor } from "./ops.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { evaluate, valueAndGrad } from "./transforms.ts";

// M rows · K inputs · N outputs · R rank

const here = native.hasCpuKernels();
const isas = here ? native.cpuIsas() : [];
const threads = here ? native.cpuThreads() : 1;

afterEach(() => {
  if (here) native.setCpuThreads(threads);
  useCpuKernels(true);
});

const sizes: [M: number, K: number, N: number][] = [
  [1, 64, 7],
  [2, 128, 33],
  [3, 192, 64],
  [17, 64, 31],
  [33, 320, 50],
  [70, 640, 96],
  [0, 64, 5],
];

const modes: Quantization[] = [
  ...[2, 3, 4, 5, 6, 8].flatMap((bits) => [32, 64].map((group_size) => ({ bits, group_size, mode: "affine" }))),
  { bits: 4, group_size: 32, mode: "mxfp4" },
  { bits: 4, group_size: 16, mode: "nvfp4" },
  { bits: 8, group_size: 32, mode: "mxfp8" },
];

/** The greatest difference between the two, in units of what float64 gives for the sums of absolute values. */
function error(found: Tensor, expected: Tensor, scale: Tensor): number {
  if (found.size === 0) return 0;
  return found.astype("float64").subtract(expected).abs().divide(scale.add(1e-6)).max().item();
}

/** What rounding may do to a value of this dtype, beside float32 sums. */
const rounding: Partial<Record<DType, number>> = { float32: 2e-6, bfloat16: 2 ** -8, float16: 2 ** -11 };

const exact = (x: Tensor) => x.astype("float64");

function check(y: Tensor, x: Tensor, w: Tensor): void {
  const scale = exact(x).abs().matmul(exact(w).abs().transpose());
  const close = (rounding[y.dtype] ?? 0) + 3e-6;
  expect(error(y, exact(x).matmul(exact(w).transpose()), scale)).toBeLessThan(close);
}

/** The weight as the products see it: above a few rows, bf16 products take it in bf16. */
function seen(weight: Tensor, M: number, dtype: DType): Tensor {
  return dtype === "bfloat16" && M > 2 && native.hasCpuBf16() ? weight.astype("bfloat16") : weight;
}

describe.skipIf(!here).each(isas)("on %s", (isa) => {
  beforeAll(() => native.setCpuIsa(isa));

  test.each<DType>(["float32", "bfloat16", "float16"])("x Wᵀ in %s equals float64 to rounding", (dtype) => {
    for (const count of [1, 2, 3, 4]) {
      native.setCpuThreads(count);
      for (const [M, K, N] of sizes) {
        const [x, w] = [patterned([M, K]).astype(dtype), patterned([N, K], 1).astype(dtype)];
        const [y] = linear(x, [{ weight: w }]) ?? [];
        expect(y?.dtype).toBe(dtype);
        if (y) check(y, x, w);
      }
    }
  });

  test.each(modes)("packed weights, $mode of $bits bits in groups of $group_size", (quantization) => {
    for (const dtype of ["float32", "bfloat16"] as const) {
      for (const [M, K, N] of sizes) {
        const [weight, scales, biases] = quantize(patterned([N, K], 1), quantization);
        if (!weight || !scales) throw new Error("no weight");
        const halved = biases ? { scales: scales.astype(dtype), biases: biases.astype(dtype) } : { scales, biases };
        const packed = { weight, ...halved };
        const floats = { weight, scales: halved.scales, biases: halved.biases };
        const exactScales = biases
          ? { weight, scales: floats.scales.astype("float32"), biases: floats.biases?.astype("float32") }
          : floats;
        const x = patterned([M, K]).astype(dtype);
        const [y] = linear(x, [{ weight: { ...packed, quantization } }]) ?? [];
        if (y) check(y, x, seen(dequantize(exactScales, quantization, "float32"), M, dtype));
      }
    }
  });

  test.each<DType>(["float32", "bfloat16"])(
    "several layers with updates and biases, and all gradients, in %s",
    (dtype) => {
      for (const [M, K, N] of sizes.slice(2, 6)) {
        const x = patterned([M, K]).astype(dtype);
        const layers = [N, N + 5].map((size, i) => ({
          w: patterned([size, K], 2 + i).astype(dtype),
          bias: patterned([size], 3 + i).astype(dtype),
          a: patterned([K, 3 + i], 4 + i),
          b: patterned([3 + i, size], 5 + i),
          cotangent: patterned([M, size], 6 + i).astype(dtype),
        }));
        const flat = layers.flatMap(({ w, bias, a, b }) => [w, bias, a, b]);
        const run = (cast: (t: Tensor) => Tensor, compute: (x: Tensor, p: Projection[]) => Tensor[]) =>
          valueAndGrad(
            ([input, ...rest]) => {
              if (!input) throw new Error("no input");
              const projections = layers.map((_, i): Projection => {
                const [weight, bias, a, b] = rest.slice(4 * i, 4 * i + 4);
                if (!weight || !a || !b) throw new Error("four each");
                return { weight, bias, update: { a, b, scale: 1.5 } };
              });
              const outputs = compute(input, projections);
              const parts = outputs.map((y, i) =>
                exact(y)
                  .multiply(exact(layers[i]?.cotangent ?? y))
                  .sum(),
              );
              return [parts.reduce((sum, each) => sum.add(each)), ...outputs];
            },
            [x, ...flat].map(cast),
          );
        const found = run(
          (t) => t,
          (input, projections) => linear(input, projections) ?? [],
        );
        const expected = run(exact, (input, projections) =>
          projections.map(({ weight, bias, update }) => {
            if (!bias || !update || "quantization" in weight) throw new Error("plain");
            const change = input.matmul(update.a).matmul(update.b).multiply(update.scale);
            return input.matmul(weight.transpose()).add(bias).add(change);
          }),
        );
        const close = dtype === "float32" ? 3e-5 : 2 ** -7;
        for (const kind of ["values", "gradients"] as const) {
          found[kind].slice(kind === "values" ? 1 : 0).forEach((tensor, i) => {
            const reference = expected[kind][kind === "values" ? i + 1 : i];
            if (!reference) throw new Error("no reference");
            expect(error(tensor, reference, reference.abs().max()), `${kind} ${i} at ${M} × ${K}`).toBeLessThan(close);
          });
        }
      }
    },
  );

  test("experts: each row through those chosen for it, with gradients, plain and packed", () => {
    const [T, n, E, K, N] = [23, 2, 5, 64, 9];
    const indices = integers(
      Array.from({ length: T * n }, (_, i) => (i * 7 + (i >> 3)) % (E - 1)),
      [T, n],
    ); // one has none
    for (const dtype of ["float32", "bfloat16"] as const) {
      const [x, w] = [patterned([T, K]).astype(dtype), patterned([E, N, K], 1).astype(dtype)];
      const exactly = (input: Tensor, weight: Tensor) =>
        input
          .reshape(T, 1, 1, K)
          .matmul(weight.take(indices, 0).transpose(0, 1, 3, 2))
          .squeeze(2);
      const run = (compute: (input: Tensor, weight: Tensor) => Tensor, given: Tensor[]) =>
        valueAndGrad(([input, weight]) => {
          if (!input || !weight) throw new Error("two inputs");
          const y = compute(input, weight);
          return [
            exact(y)
              .multiply(exact(patterned(y.shape, 5)))
              .sum(),
            y,
          ];
        }, given);
      const found = run((input, weight) => experts(input, { weight }, indices) ?? input, [x, w]);
      const expected = run(exactly, [exact(x), exact(w)]);
      const pairs: [Tensor | undefined, Tensor | undefined][] = [
        [found.values[1], expected.values[1]],
        [found.gradients[0], expected.gradients[0]],
        [found.gradients[1], expected.gradients[1]],
      ];
      for (const [ours, reference] of pairs) {
        if (!ours || !reference) throw new Error("missing");
        expect(error(ours, reference, reference.abs().max())).toBeLessThan(dtype === "float32" ? 1e-5 : 2 ** -7);
      }
      const quantization = { bits: 4, group_size: 32, mode: "affine" };
      const [weight, scales, biases] = quantize(w.astype("float32"), quantization);
      if (!weight || !scales) throw new Error("no weight");
      const y = experts(x, { weight: { weight, scales, biases, quantization } }, indices);
      const dense = dequantize({ weight, scales, biases }, quantization, "float32");
      const reference = exactly(exact(x), exact(seen(dense, T, dtype)));
      if (y) expect(error(y, reference, reference.abs().max())).toBeLessThan(dtype === "float32" ? 1e-5 : 2 ** -6);
    }
  });

  test("views: transposed, strided and broadcast operands", () => {
    const x = patterned([64, 40]).transpose();
    const w = patterned([20, 128], 1).slice(1, 0, 64);
    const row = patterned([64], 2).broadcastTo(9, 64);
    for (const input of [x, row]) {
      const [y] = linear(input, [{ weight: w }]) ?? [];
      if (y) check(y, input, w);
    }
  });

  test("NaN and infinities reach what depends on them, and nothing else", () => {
    for (const dtype of ["float32", "bfloat16"] as const) {
      for (const M of [1, 5, 40]) {
        const values = Array.from(patterned([M, 64]).toFloat32());
        values[3] = Number.NaN;
        if (M > 1) values[64 + 5] = Number.POSITIVE_INFINITY;
        const w = patterned([9, 64], 1).abs().add(0.5).astype(dtype);
        const [y] = linear(tensor(values, [M, 64]).astype(dtype), [{ weight: w }]) ?? [];
        const rows = y?.astype("float32").toArray() ?? [];
        rows.forEach((each, i) => {
          const row = Math.floor(i / 9);
          if (row === 0) expect(each).toBeNaN();
          else if (row === 1) expect(each).toBe(Number.POSITIVE_INFINITY);
          else expect(Number.isFinite(each)).toBe(true);
        });
      }
    }
  });

  test("leaves nothing behind", () => {
    const x = patterned([5, 64]);
    scope(() => evaluate(...(linear(x, [{ weight: patterned([7, 64]) }]) ?? [])));
  });
});

test.skipIf(!here)("an instruction set that is none is refused", () => {
  expect(() => native.setCpuIsa("sse9")).toThrow("sse9 is not among those of this processor");
  native.setCpuIsa(isas[0] ?? "");
});
