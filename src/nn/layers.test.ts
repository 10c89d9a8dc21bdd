import { describe, expect, test } from "vitest";
import { pattern, patterned } from "../../test/gradients.ts";
import { integers, ones, type Quantization, tensor } from "../core/ops.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { UserError } from "../protocol/user-error.ts";
import { Dropout } from "./dropout.ts";
import { Embedding } from "./embedding.ts";
import { Linear } from "./linear.ts";
import { LayerNorm, RMSNorm } from "./norm.ts";
import { QuantizedEmbedding, QuantizedLinear } from "./quantized.ts";
import { RoPE } from "./rope.ts";

function expectClose(found: Tensor, expected: readonly number[], digits = 5): void {
  const values = found.toArray();
  expect(values.length).toBe(expected.length);
  values.forEach((value, i) => {
    expect(value, `element ${i}`).toBeCloseTo(expected[i] ?? Number.NaN, digits);
  });
}

describe("Linear", () => {
  test("y = x Wᵀ + b", () => {
    const layer = Linear.of(tensor([1, 2, 3, 4, 5, 6], [2, 3]), tensor([10, 20]));
    expect([layer.inputDims, layer.outputDims]).toEqual([3, 2]);
    expect(layer.forward(tensor([1, 0, -1], [1, 3])).toArray()).toEqual([8, 18]);
    expect(layer.forward(ones([2, 5, 3])).shape).toEqual([2, 5, 2]);
  });

  test("without a bias there is no such parameter", () => {
    const layer = new Linear(4, 3, { bias: false });
    expect(Object.keys(layer.parameters())).toEqual(["weight"]);
    expect(layer.forward(ones([1, 4])).shape).toEqual([1, 3]);
  });

  test("weights start uniform in ±1/√in, the same for the same seed", () => {
    const weights = (seed: number) => {
      random.seed(seed);
      return new Linear(16, 500).weight.toArray();
    };
    const values = weights(3);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.25);
    expect(Math.max(...values)).toBeGreaterThan(0.24);
    expect(weights(3)).toEqual(values);
  });
});

describe("Embedding", () => {
  test("gives rows, and as an output layer products with them", () => {
    const table = Embedding.of(tensor([1, 2, 3, 4, 5, 6], [3, 2]));
    expect([table.vocabularySize, table.dims]).toEqual([3, 2]);
    expect(table.forward(integers([2, 0], [1, 2])).toArray()).toEqual([5, 6, 1, 2]);
    expect(table.forward(integers([2, 0], [1, 2])).shape).toEqual([1, 2, 2]);
    expect(table.asLinear(tensor([1, -1], [1, 2])).toArray()).toEqual([-1, -1, -1]);
  });
});

describe.each([
  [2, 64],
  [3, 32],
  [4, 32],
  [4, 64],
  [6, 32],
  [8, 128],
])("weights packed in %i bits by groups of %i", (bits, group_size) => {
  const quantization: Quantization = { bits, group_size, mode: "affine" };
  const weight = patterned([6, 128]);
  const x = patterned([2, 128], 1);

  test("QuantizedLinear computes with the dense weight that it stands for", () => {
    const linear = Linear.of(weight.add(0), patterned([6], 2));
    const packed = QuantizedLinear.from(linear, quantization);
    expect([packed.inputDims, packed.outputDims, packed.weight.dtype]).toEqual([128, 6, "uint32"]);
    expect(packed.trainableParameters()).toEqual({});
    const dense = packed.denseWeight();
    // MLX shifts a group's range, ±1 here, so that 0 is exact: it errs by less than one step of 2 / (2^bits − 1).
    expect(dense.subtract(weight).abs().max().item()).toBeLessThan(2 / (2 ** bits - 1));
    expectClose(
      packed.forward(x),
      x
        .matmul(dense.transpose())
        .add(patterned([6], 2))
        .toArray(),
      4,
    );
  });

  test("QuantizedEmbedding gives rows and products of its dense weight", () => {
    const packed = QuantizedEmbedding.from(Embedding.of(weight.add(0)), quantization);
    expect([packed.vocabularySize, packed.dims]).toEqual([6, 128]);
    const dense = packed.denseWeight();
    expectClose(packed.forward(integers([5, 1])), dense.take(integers([5, 1]), 0).toArray(), 6);
    expectClose(packed.asLinear(x), x.matmul(dense.transpose()).toArray(), 4);
  });
});

describe("norms", () => {
  const values = pattern(8).map((each) => each * 3);
  const x = tensor(values, [2, 4]);
  const rows = [values.slice(0, 4), values.slice(4)];
  const mean = (row: number[]) => row.reduce((sum, each) => sum + each, 0) / row.length;

  test("RMSNorm", () => {
    const norm = new RMSNorm(4, 1e-3);
    norm.update({ weight: tensor([1, 2, 3, 4]) });
    const expected = rows.flatMap((row) =>
      row.map((each, i) => (each / Math.sqrt(mean(row.map((v) => v * v)) + 1e-3)) * (i + 1)),
    );
    expectClose(norm.forward(x), expected);
  });

  test("LayerNorm", () => {
    const norm = new LayerNorm(4, 1e-3);
    norm.update({ bias: tensor([0, 1, 2, 3]) });
    const expected = rows.flatMap((row) => {
      const centre = mean(row);
      const variance = mean(row.map((v) => (v - centre) ** 2));
      return row.map((each, i) => (each - centre) / Math.sqrt(variance + 1e-3) + i);
    });
    expectClose(norm.forward(x), expected);
    expect(new LayerNorm(4, 1e-3, { bias: false }).forward(x).shape).toEqual([2, 4]);
  });
});

describe("Dropout", () => {
  test("does nothing but in training", () => {
    const x = ones([10]);
    expect(new Dropout(0.5).forward(x)).toBe(x);
    expect(new Dropout(0).train().forward(x)).toBe(x);
  });

  test("zeroes the share p and scales the rest, so that the mean stays", () => {
    random.seed(1);
    const values = new Dropout(0.25)
      .train()
      .forward(ones([40_000]))
      .toArray();
    const dropped = values.filter((each) => each === 0).length;
    expect(dropped / 40_000).toBeCloseTo(0.25, 1);
    expect(new Set(values.filter((each) => each !== 0))).toEqual(new Set([Math.fround(1 / 0.75)]));
  });

  test("keeps half precision", () => {
    expect(new Dropout(0.5).train().forward(ones([4], "bfloat16")).dtype).toBe("bfloat16");
  });
});

describe("RoPE", () => {
  const plain = { rope_traditional: false };
  const x = patterned([1, 1, 3, 4]);

  /** Pairs (i, i + 2) turned by position / wavelength. */
  function rotated(wavelengths: readonly number[], offset: number, scale = 1): number[] {
    const values = x.toArray();
    return [0, 1, 2].flatMap((row) => {
      const at = (i: number) => values[4 * row + i] ?? 0;
      const angle = (i: number) => ((row + offset) * scale) / (wavelengths[i] ?? 1);
      const low = [0, 1].map((i) => at(i) * Math.cos(angle(i)) - at(i + 2) * Math.sin(angle(i)));
      const high = [0, 1].map((i) => at(i) * Math.sin(angle(i)) + at(i + 2) * Math.cos(angle(i)));
      return [...low, ...high];
    });
  }

  test("turns the halves by positions from the offset on, base from config, rope_parameters or default", () => {
    expectClose(new RoPE(4, { ...plain, rope_theta: 100 }, 5).forward(x, 6), rotated([1, 10], 6));
    expectClose(new RoPE(4, plain, 10_000).forward(x, 2), rotated([1, 100], 2));
    const nested = { ...plain, rope_theta: 7, rope_parameters: { rope_type: "default", rope_theta: 100 } };
    expectClose(new RoPE(4, nested, 5).forward(x, 6), rotated([1, 10], 6));
  });

  test("linear scaling shrinks positions", () => {
    const settings = { ...plain, rope_theta: 100, rope_scaling: { type: "linear", factor: 4 } };
    expectClose(new RoPE(4, settings, 5).forward(x, 6), rotated([1, 10], 6, 0.25));
  });

  test("llama3 keeps short waves, stretches long ones and blends between", () => {
    const wavelengths = (context: number) => {
      const rope_scaling = {
        rope_type: "llama3",
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: context,
      };
      return new RoPE(4, { ...plain, rope_theta: 100, rope_scaling }, 5).forward(x, 6);
    };
    expectClose(wavelengths(1000), rotated([1, 10], 6)); // both waves shorter than 1000 / 4
    expectClose(wavelengths(6), rotated([8, 80], 6)); // both longer than 6
    const smooth = (100 / (2 * Math.PI * 10) - 1) / 3;
    expectClose(wavelengths(100), rotated([1, 10 / ((1 - smooth) / 8 + smooth)], 6));
  });

  test("other scalings and missing settings are told", () => {
    const build = (rope_scaling: Record<string, unknown>) => () => new RoPE(4, { ...plain, rope_scaling }, 5);
    expect(build({ rope_type: "yarn", factor: 2 })).toThrow('Rope scaling "yarn" in config.json is not supported');
    expect(build({ rope_type: "linear" })).toThrow(UserError);
    expect(build({ rope_type: "llama3" })).toThrow('needs "factor"');
  });
});
