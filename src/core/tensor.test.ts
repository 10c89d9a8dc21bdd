import { describe, expect, test } from "vitest";
import { pattern, patterned } from "../../test/gradients.ts";
import { dtypes } from "./dtype.ts";
import { arange, full, integers, ones, tensor, zeros } from "./ops.ts";
import type { Tensor } from "./tensor.ts";

const list = (x: Tensor): number[] => x.toArray();

describe("reading", () => {
  test("shape, ndim, size, nbytes and dim", () => {
    const x = zeros([2, 3, 4], "bfloat16");
    expect([x.shape, x.ndim, x.size, x.nbytes]).toEqual([[2, 3, 4], 3, 24, 48]);
    expect([x.dim(0), x.dim(-1), x.dim(-3)]).toEqual([2, 4, 2]);
    expect(() => x.dim(3)).toThrow("a tensor of shape [2,3,4] has no axis 3");
  });

  test("item takes exactly one element, of any dtype and rank", () => {
    for (const dtype of dtypes.filter((each) => each !== "complex64" && each !== "bool")) {
      expect(full([1, 1], 5, dtype).item(), dtype).toBe(5);
    }
    expect(full([], 2.5).item()).toBe(2.5);
    expect(() => zeros([2]).item()).toThrow("item() needs a tensor of one element, this one has 2");
    expect(() => zeros([0]).item()).toThrow("this one has 0");
  });

  test("the data must fill the shape", () => {
    expect(() => tensor([1, 2, 3], [2, 2])).toThrow("shape needs 4 elements, the data has 3");
    expect(list(tensor([], [0, 5]))).toEqual([]);
    expect(() => tensor([1, 2], [-1, -2])).toThrow("a shape has no negative sizes");
    expect(() => zeros([2.5])).toThrow("expected an integer of 32 bits, got 2.5");
  });

  test("values come out row-major from transposed, sliced and broadcast views", () => {
    const x = arange(0, 6).reshape(2, 3);
    expect(list(x.transpose())).toEqual([0, 3, 1, 4, 2, 5]);
    expect(list(x.slice(1, 1))).toEqual([1, 2, 4, 5]);
    expect(list(arange(0, 2).reshape(2, 1).broadcastTo(2, 3))).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...x.transpose().toBytes()]).toEqual([0, 3, 1, 4, 2, 5].flatMap((value) => [value, 0, 0, 0]));
  });

  test("a freed tensor is refused", () => {
    const x = ones([2]);
    const y = x.add(1);
    x.dispose();
    x.dispose();
    for (const use of [() => x.shape, () => x.item(), () => x.add(1), () => y.add(x)]) {
      expect(use).toThrow("tensor is already freed");
    }
    expect(list(y)).toEqual([2, 2]);
  });
});

describe("dtypes", () => {
  test.each(["bool", "uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float16", "bfloat16"] as const)(
    "%s round trip",
    (dtype) => {
      const x = tensor([0, 1, 1]).astype(dtype);
      expect(x.dtype).toBe(dtype);
      expect(list(x)).toEqual([0, 1, 1]);
    },
  );

  test("a typed array keeps its dtype, a list becomes float32", () => {
    expect(tensor([1]).dtype).toBe("float32");
    expect(tensor(Float64Array.of(1)).dtype).toBe("float64");
    expect(tensor(Uint8Array.of(1)).dtype).toBe("uint8");
    expect(integers([1]).dtype).toBe("int32");
  });

  test("bfloat16 keeps 8 bits of the fraction, float16 11", () => {
    const x = tensor([1 + 2 ** -7, 1 + 2 ** -9, 65504]);
    expect(list(x.astype("bfloat16"))).toEqual([1 + 2 ** -7, 1, 65536]);
    expect(list(x.astype("float16"))).toEqual([1 + 2 ** -7, 1 + 2 ** -9, 65504]);
    expect(x.astype("bfloat16").toFloat32()).toBeInstanceOf(Float32Array);
  });

  test("a number takes the tensor's dtype", () => {
    expect(ones([1], "bfloat16").multiply(0.5).dtype).toBe("bfloat16");
    expect(ones([1], "float16").add(1).dtype).toBe("float16");
    expect(integers([3]).add(2).dtype).toBe("int32");
    expect(zeros([1], "uint32").add(2).dtype).toBe("uint32");
  });

  test("a fraction beside integers makes float32", () => {
    const x = integers([3, -3]).add(0.5);
    expect([x.dtype, list(x)]).toEqual(["float32", [3.5, -2.5]]);
    expect(list(integers([3]).less(3.5))).toEqual([1]);
    expect(list(integers([3]).add(Number.NaN))).toEqual([Number.NaN]);
  });

  test("a whole number beside booleans makes int32, a negative one beside unsigned integers wraps", () => {
    const x = tensor([1, 0]).greater(0.5).multiply(2);
    expect([x.dtype, list(x)]).toEqual(["int32", [2, 0]]);
    expect(list(zeros([1], "uint8").add(-1))).toEqual([255]);
  });

  test("division of integers is float32; comparison gives bool", () => {
    const x = integers([1, 2]).divide(4);
    expect([x.dtype, list(x)]).toEqual(["float32", [0.25, 0.5]]);
    expect(x.less(0.3).dtype).toBe("bool");
  });

  test("a half-precision tensor beside float32 gives float32", () => {
    expect(ones([1], "bfloat16").add(ones([1])).dtype).toBe("float32");
    expect(ones([1], "bfloat16").add(ones([1], "float16")).dtype).toBe("float32");
  });
});

describe("arithmetic", () => {
  const a = pattern(6).map((each) => Math.fround(each * 3));
  const b = pattern(3, 1).map((each) => Math.fround(each + 1.5));
  const x = tensor(a, [2, 3]);
  const y = tensor(b, [3]);
  const against = (f: (p: number, q: number) => number): number[] => a.map((p, i) => f(p, b[i % 3] ?? 0));
  const close = (found: Tensor, expected: number[]): void => {
    expect(found.size).toBe(expected.length);
    list(found).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
    });
  };

  test("with broadcasting", () => {
    close(
      x.add(y),
      against((p, q) => p + q),
    );
    close(
      x.subtract(y),
      against((p, q) => p - q),
    );
    close(
      x.multiply(y),
      against((p, q) => p * q),
    );
    close(
      x.divide(y),
      against((p, q) => p / q),
    );
    close(
      x.floorDivide(y),
      against((p, q) => Math.floor(p / q)),
    );
    close(
      x.remainder(y),
      against((p, q) => p - q * Math.floor(p / q)),
    );
    close(
      x.abs().power(y),
      against((p, q) => Math.abs(p) ** q),
    );
    close(x.maximum(y), against(Math.max));
    close(x.minimum(y), against(Math.min));
    expect(() => x.add(ones([4]))).toThrow(/broadcast/i);
  });

  test("with a number on the right", () => {
    close(
      x.subtract(2),
      a.map((p) => p - 2),
    );
    close(
      x.divide(-4),
      a.map((p) => p / -4),
    );
    close(
      x.maximum(0),
      a.map((p) => Math.max(p, 0)),
    );
  });

  test("comparisons and logic", () => {
    const bits = (f: (p: number, q: number) => boolean) => against((p, q) => Number(f(p, q)));
    expect(list(x.less(y))).toEqual(bits((p, q) => p < q));
    expect(list(x.lessEqual(y))).toEqual(bits((p, q) => p <= q));
    expect(list(x.greater(y))).toEqual(bits((p, q) => p > q));
    expect(list(x.greaterEqual(y))).toEqual(bits((p, q) => p >= q));
    expect(list(x.equal(x))).toEqual([1, 1, 1, 1, 1, 1]);
    expect(list(x.notEqual(x))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(list(x.greater(0).logicalAnd(y.greater(1)))).toEqual(bits((p, q) => p > 0 && q > 1));
    expect(list(x.greater(0).logicalOr(y.greater(1)))).toEqual(bits((p, q) => p > 0 || q > 1));
  });

  test("element by element", () => {
    close(
      x.negative(),
      a.map((p) => -p),
    );
    close(
      x.square(),
      a.map((p) => p * p),
    );
    close(x.abs().sqrt(), a.map(Math.abs).map(Math.sqrt));
    close(x.exp(), a.map(Math.exp));
    close(x.abs().add(1).log(), a.map(Math.abs).map(Math.log1p));
  });

  test("matmul, also batched and against a transposed view", () => {
    const product = x.matmul(x.transpose());
    expect(product.shape).toEqual([2, 2]);
    const dot = (i: number, j: number) =>
      [0, 1, 2].reduce((sum, k) => sum + (a[3 * i + k] ?? 0) * (a[3 * j + k] ?? 0), 0);
    close(product, [dot(0, 0), dot(0, 1), dot(1, 0), dot(1, 1)]);
    expect(patterned([4, 1, 2, 3]).matmul(patterned([5, 3, 6])).shape).toEqual([4, 5, 2, 6]);
    expect(() => x.matmul(x)).toThrow(/matmul/);
  });

  test("reductions over everything, over one axis from either end, over several", () => {
    const z = arange(0, 24, 1, "float32").reshape(2, 3, 4);
    expect(z.sum().item()).toBe(276);
    expect(list(z.sum(-1))).toEqual([6, 22, 38, 54, 70, 86]);
    expect(z.mean([0, 2], true).shape).toEqual([1, 3, 1]);
    expect(list(z.mean([0, 2]))).toEqual([7.5, 11.5, 15.5]);
    expect(list(z.max(1).min(0))).toEqual([8, 9, 10, 11]);
    expect(list(z.argmax(-1))).toEqual([3, 3, 3, 3, 3, 3]);
    expect(z.less(23).all().item()).toBe(0);
    expect(z.greater(22).any().item()).toBe(1);
    const largest = Math.max(...a);
    expect(x.logsumexp().item()).toBeCloseTo(
      largest + Math.log(a.reduce((sum, p) => sum + Math.exp(p - largest), 0)),
      5,
    );
  });
});

describe("shape", () => {
  const x = arange(0, 24).reshape(2, 3, 4);

  test("reshape, transpose, swapaxes, expandDims, squeeze, flatten", () => {
    expect(x.reshape(4, -1).shape).toEqual([4, 6]);
    expect(() => x.reshape(5, -1)).toThrow(/reshape/i);
    expect(x.transpose(2, 0, 1).shape).toEqual([4, 2, 3]);
    expect(x.swapaxes(0, -1).shape).toEqual([4, 3, 2]);
    expect(x.expandDims(0, -1).shape).toEqual([1, 2, 3, 4, 1]);
    expect(x.expandDims(0).squeeze(0).shape).toEqual([2, 3, 4]);
    expect(x.expandDims(0).squeeze().shape).toEqual([2, 3, 4]);
    expect(() => x.squeeze(0)).toThrow(/squeeze/);
    expect(x.flatten(1).shape).toEqual([2, 12]);
    expect(x.flatten().shape).toEqual([24]);
  });

  test("slice takes positions as Array.slice does, on any axis", () => {
    const values = Array.from({ length: 5 }, (_, i) => i);
    const row = integers(values);
    for (const start of [0, 2, -2, -9, 5, 9]) {
      for (const stop of [undefined, 0, 3, -1, -4, 9, Number.POSITIVE_INFINITY]) {
        expect(list(row.slice(0, start, stop)), `slice(${start}, ${stop})`).toEqual(values.slice(start, stop));
      }
    }
    expect(x.slice(-1, 1, 3).shape).toEqual([2, 3, 2]);
    expect(list(x.slice(1, -1))).toEqual([8, 9, 10, 11, 20, 21, 22, 23]);
    expect(() => x.slice(3, 0, 1)).toThrow("has no axis 3");
  });

  test("at takes one position away from either end and refuses others", () => {
    expect(list(x.at(-1, -1))).toEqual([3, 7, 11, 15, 19, 23]);
    expect(x.at(1, 2).shape).toEqual([2, 4]);
    expect(() => x.at(1, 3)).toThrow("axis 1 of a tensor of shape [2,3,4] has no position 3");
    expect(() => x.at(1, -4)).toThrow("has no position -4");
  });

  test("take puts the shape of the indices in the axis's place", () => {
    const rows = x.take(integers([2, 0, 2, 1], [2, 2]), 1);
    expect(rows.shape).toEqual([2, 2, 2, 4]);
    expect(list(rows.slice(0, 0, 1)).slice(0, 8)).toEqual([8, 9, 10, 11, 0, 1, 2, 3]);
  });
});
