import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { native } from "../native/binding.ts";
import { type BlockType, blockTypes, dequantizeBlocks, quantizeBlocks } from "./blocks.ts";
import { tensor } from "./ops.ts";
import * as random from "./random.ts";
import type { Tensor } from "./tensor.ts";

// The expected bytes are llama.cpp's own: scripts/write-block-fixtures.py.
const columns = 512;
const source = tensor(floatsOf("source.f32"), [12, columns]);
const importance = floatsOf("importance.f32");
const hashes = z.record(z.string(), z.string()).parse(JSON.parse(fixture("dequantized.json").toString()));
const packed: BlockType[] = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl"];
const threads = here ? [1, 3] : [undefined];

afterEach(restoreKernels);

if (here) onEachIsa("blocks", againstLlamaCpp);
else describe("blocks", againstLlamaCpp);

function againstLlamaCpp(): void {
  test.each(packed)("%s is what llama.cpp writes, to the bit", (type) => {
    for (const count of threads) {
      if (count) native.setCpuThreads(count);
      expectSameBytes(quantizeBlocks(source, type), fixture(`${type}.bin`));
    }
  });

  test.each(packed)("%s with an importance is what llama.cpp writes, to the bit", (type) => {
    for (const count of threads) {
      if (count) native.setCpuThreads(count);
      expectSameBytes(quantizeBlocks(source, type, importance), fixture(`${type}-importance.bin`));
    }
  });

  test.each(packed)("%s is read as llama.cpp reads it, to the bit", (type) => {
    const values = dequantizeBlocks(fixture(`${type}.bin`), type, [12, columns]);
    expect(values.shape).toEqual([12, columns]);
    expect(values.dtype).toBe("float32");
    expect(createHash("sha256").update(values.toBytes()).digest("hex")).toBe(hashes[type]);
  });

  test("a part of the rows gives a part of the bytes, whatever the number of blocks", () => {
    for (const type of packed) {
      const all = quantizeBlocks(source, type, importance);
      for (const rows of [1, 3, 7]) {
        const part = quantizeBlocks(source.slice(0, 12 - rows), type, importance);
        expectSameBytes(part, all.subarray((all.length / 12) * (12 - rows)));
      }
    }
  });

  test.each(["bfloat16", "float16"] as const)("%s is packed as the float32 that it stands for", (dtype) => {
    const half = source.slice(0, 0, 4).astype(dtype);
    for (const type of packed) {
      expectSameBytes(quantizeBlocks(half, type), quantizeBlocks(half.astype("float32"), type));
    }
  });
}

test.each([
  ["f32", "float32"],
  ["f16", "float16"],
  ["bf16", "bfloat16"],
] as const)("%s is the plain numbers of %s, there and back", (type, dtype) => {
  random.seed(5);
  const x = random.normal([3, 37]);
  const bytes = quantizeBlocks(x, type);
  expectSameBytes(bytes, x.astype(dtype).toBytes());
  expect(dequantizeBlocks(bytes, type, [3, 37]).toArray()).toEqual(x.astype(dtype).astype("float32").toArray());
});

test("sizes are those of the blocks", () => {
  for (const type of packed) {
    const { elements, bytes } = blockTypes[type];
    expect(quantizeBlocks(source, type).length, type).toBe((12 * columns * bytes) / elements);
  }
});

test("a stack of matrices, one that lies by columns, and bytes at an odd place are taken as they read", () => {
  const expected = quantizeBlocks(source, "q4_k");
  expectSameBytes(quantizeBlocks(source.reshape(2, 6, columns), "q4_k"), expected);
  const turned = tensor(source.transpose().toFloat32(), [columns, 12]).transpose();
  expectSameBytes(quantizeBlocks(turned, "q4_k"), expected);
  const shifted = new Uint8Array(expected.length + 1);
  shifted.set(expected, 1);
  expect(dequantizeBlocks(shifted.subarray(1), "q4_k", [12, columns]).toArray()).toEqual(
    dequantizeBlocks(expected, "q4_k", [12, columns]).toArray(),
  );
});

test("float64 is packed as float32", () => {
  expectSameBytes(quantizeBlocks(source.astype("float64"), "q8_0"), fixture("q8_0.bin"));
});

test("nothing is nothing", () => {
  expect(quantizeBlocks(tensor([], [0, 256]), "q4_k").length).toBe(0);
  expect(dequantizeBlocks(new Uint8Array(), "q4_k", [0, 256]).shape).toEqual([0, 256]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%s is refused with its place", (value) => {
  for (const type of [...packed, "f16"] as const) {
    expect(() => quantizeBlocks(withValue(value, 7, 300), type, undefined, "blk.0.attn_q.weight")).toThrow(
      `blk.0.attn_q.weight has ${value} in row 7, column 300`,
    );
  }
});

test("what float16 scales cannot hold is refused with its row", () => {
  for (const type of [...packed, "f16"] as const) {
    expect(() => quantizeBlocks(withValue(3e9, 5, 100), type), type).toThrow(/too large for .* in row 5/);
  }
  expect(quantizeBlocks(withValue(3e9, 5, 100), "bf16").length).toBe(12 * columns * 2);
});

test("rows that are not of whole blocks are refused", () => {
  expect(() => quantizeBlocks(random.normal([2, 96]), "q4_k", undefined, "w")).toThrow(
    "w has rows of 96, which q4_k cannot pack: its blocks are of 256",
  );
  expect(() => dequantizeBlocks(new Uint8Array(144), "q4_k", [2, 128])).toThrow("not of whole blocks");
});

test("an importance of another length or sign, and bytes of another shape, are mistakes of the caller", () => {
  expect(() => quantizeBlocks(source, "q4_k", new Float32Array(3))).toThrow("for each of 512 columns");
  expect(() => quantizeBlocks(source, "q4_k", new Float32Array(columns).fill(-1))).toThrow("column 0 is -1");
  expect(() => dequantizeBlocks(new Uint8Array(143), "q4_k", [1, 256])).toThrow("takes 144 bytes, these are 143");
});

/** The source with one value changed. */
function withValue(value: number, row: number, column: number): Tensor {
  const values = source.toFloat32();
  values[row * columns + column] = value;
  return tensor(values, [12, columns]);
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../test/fixtures/blocks/${name}`, import.meta.url));
}

function floatsOf(name: string): Float32Array {
  return new Float32Array(Uint8Array.from(fixture(name)).buffer);
}

function expectSameBytes(bytes: Uint8Array, expected: Uint8Array): void {
  expect(bytes.length).toBe(expected.length);
  expect(bytes.findIndex((byte, i) => byte !== expected[i])).toBe(-1);
}
