import { afterEach, expect, test } from "vitest";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { type Body, exactError, expectSameExtremes, floats, results, two } from "../../test/exact-error.ts";
import { patterned } from "../../test/gradients.ts";
import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import { linear, type PackedMatrix } from "./kernels.ts";
import { dequantize, type Quantization, quantize, tensor, zeros } from "./ops.ts";
import type { Tensor } from "./tensor.ts";

// M rows · K inputs · N outputs · R rank

afterEach(restoreKernels);

const sizes: [M: number, K: number, N: number][] = [
  [1, 64, 7],
  [2, 128, 33],
  [3, 192, 64],
  [17, 64, 31],
  [33, 320, 50],
  [70, 640, 96],
  [9, 1152, 70],
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

type Layer = { weight: Tensor; bias: Tensor; update: { a: Tensor; b: Tensor; scale: number } };

/** Of outputs and gradients, relative to the greatest value. */
const tolerance: Partial<Record<DType, number>> = { float32: 3e-5, bfloat16: 2 ** -7, float16: 2 ** -10 };

/** A packed weight whose scales have a dtype, and what it stands for. */
function packedOf(w: Tensor, quantization: Quantization, dtype: DType): [packed: PackedMatrix, dense: Tensor] {
  const [weight, scales, biases] = quantize(w, quantization);
  if (!weight || !scales) throw new Error("no weight");
  if (!biases) {
    const packed = { weight, scales, biases };
    return [{ ...packed, quantization }, dequantize(packed, quantization, "float32")];
  }
  const packed = { weight, scales: scales.astype(dtype), biases: biases.astype(dtype) };
  const wide = { weight, scales: packed.scales.astype("float32"), biases: packed.biases.astype("float32") };
  return [{ ...packed, quantization }, dequantize(wide, quantization, "float32")];
}

onEachIsa("products", () => {
  test.each(floats)("x Wᵀ in %s equals float64 to rounding", (dtype) => {
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
    for (const dtype of floats) {
      for (const [M, K, N] of sizes) {
        const [packed, dense] = packedOf(patterned([N, K], 1), quantization, dtype);
        const x = patterned([M, K]).astype(dtype);
        const [y] = linear(x, [{ weight: packed }]) ?? [];
        if (y) check(y, x, seen(dense, M, dtype));
      }
    }
  });

  test.each(floats)("gradients through packed weights in %s", (dtype) => {
    for (const quantization of [modes[2], modes[5], modes[7], modes[11], ...modes.slice(-3)]) {
      if (!quantization) throw new Error("no mode");
      for (const [i, [M, K, N]] of sizes.entries()) {
        native.setCpuThreads(1 + (i % 4));
        const [packed, dense] = packedOf(patterned([N, K], 1), quantization, dtype);
        const update = { a: patterned([K, 3], 4), b: patterned([3, N], 5) };
        const body: Body = (x, a, b) =>
          (x && a && b && linear(x, [{ weight: packed, update: { a, b, scale: 2 } }])) ?? [];
        const weight = exact(dense).transpose();
        const exactly: Body = (x, a, b) =>
          x && a && b ? [x.matmul(weight).add(x.matmul(a).matmul(b).multiply(2))] : [];
        const error = exactError(body, exactly, [patterned([M, K]).astype(dtype), update.a, update.b]);
        expect(error, `${JSON.stringify(quantization)} at ${M} × ${K}`).toBeLessThan(tolerance[dtype] ?? 0);
      }
    }
  });

  test.each(floats)("several layers with updates and biases, and all gradients, in %s", (dtype) => {
    for (const [i, [M, K, N]] of sizes.entries()) {
      native.setCpuThreads(1 + (i % 4));
      const layers = [N, N + 5].flatMap((size, i) => [
        patterned([size, K], 2 + i).astype(dtype),
        patterned([size], 3 + i).astype(dtype),
        patterned([K, 3 + i], 4 + i),
        patterned([3 + i, size], 5 + i),
      ]);
      const each =
        (compute: (x: Tensor, layers: Layer[]) => Tensor[]) =>
        (x?: Tensor, ...rest: Tensor[]) => {
          const found = [0, 4].map((first): Layer => {
            const [weight, bias, a, b] = rest.slice(first, first + 4);
            if (!weight || !bias || !a || !b) throw new Error("four each");
            return { weight, bias, update: { a, b, scale: 1.5 } };
          });
          return x ? compute(x, found) : [];
        };
      const body = each((x, found) => linear(x, found) ?? []);
      const exactly = each((x, found) =>
        found.map(({ weight, bias, update: { a, b, scale } }) =>
          x.matmul(weight.transpose()).add(bias).add(x.matmul(a).matmul(b).multiply(scale)),
        ),
      );
      const error = exactError(body, exactly, [patterned([M, K]).astype(dtype), ...layers]);
      expect(error, `${M} × ${K}`).toBeLessThan(tolerance[dtype] ?? 0);
    }
  });

  test("views: transposed, strided and broadcast operands, and their gradients", () => {
    const body = two((x, w) => linear(x, [{ weight: w }]) ?? []);
    const exactly = two((x, w) => [x.matmul(w.transpose())]);
    const turned = (inner: Body): Body => two((x, w) => inner(x.transpose(), w.transpose()).map((y) => y.transpose()));
    const broadcast = (inner: Body): Body => two((x, w) => inner(x.broadcastTo(9, 64), w.slice(1, 3, 67)));
    for (const rows of [1, 40]) {
      const given = [patterned([64, rows]), patterned([64, 20], 1)];
      expect(exactError(turned(body), turned(exactly), given), `${rows} rows`).toBeLessThan(3e-5);
    }
    expect(exactError(broadcast(body), broadcast(exactly), [patterned([64], 2), patterned([20, 128], 1)])).toBeLessThan(
      3e-5,
    );
  });

  test("NaN and infinities reach what depends on them, and nothing else", () => {
    for (const dtype of floats) {
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
        const body = two((x, weight) => linear(x, [{ weight }]) ?? [x.matmul(weight.transpose())]);
        const bad = patterned([9, 64], 1).toFloat32();
        [bad[4 * 64 + 7], bad[6 * 64]] = [Number.NaN, Number.NEGATIVE_INFINITY];
        expectSameExtremes(body, [patterned([M, 64]).astype(dtype), tensor(bad, [9, 64]).astype(dtype)]);
        expectSameExtremes(body, [tensor(values, [M, 64]).astype(dtype), w]);
      }
    }
  });

  test("of nothing", () => {
    const body: Body = (x, weight, bias) => (x && weight && linear(x, [{ weight, bias }])) ?? [];
    const [y, dx, dw, db] = results(body, [zeros([0, 5]), patterned([3, 5]), patterned([3])]);
    expect([y?.shape, dx?.shape]).toEqual([
      [0, 3],
      [0, 5],
    ]);
    expect(dw?.toArray()).toEqual(Array(15).fill(0));
    expect(db?.toArray()).toEqual([0, 0, 0]);
    const [none, change] = results(body, [patterned([4, 5]), zeros([0, 5]), zeros([0])]);
    expect(none?.shape).toEqual([4, 0]);
    expect(change?.toArray()).toEqual(Array(20).fill(0));
    expect(linear(zeros([4, 0]), [{ weight: zeros([3, 0]) }])).toBeUndefined();
  });
});

test.skipIf(!here)("an instruction set that is none is refused", () => {
  expect(() => native.setCpuIsa("sse9")).toThrow("sse9 is not among those of this processor");
});
