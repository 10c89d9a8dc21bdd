import { join } from "node:path";
import { expect, test } from "vitest";
import { dequantizeLayers } from "../../src/convert/fuse.ts";
import type { DType } from "../../src/core/dtype.ts";
import { loadModel } from "../../src/models/load.ts";
import { index, parity, read, relativeDifference } from "./fixtures.ts";
import { Expected, expectOutputs, lastLogits } from "./model-outputs.ts";

/** Half precision: mlx-lm rounds after each operation, and MLX's packed product on a CPU sums in bfloat16; we compute in float32. */
function tolerance(name: string): number {
  if (/bit.*bfloat16/.test(name)) return 1e-1;
  return /float16/.test(name) ? 2e-2 : 1e-5;
}

/** The logits of all cases, from weights in `dtype`. */
function allLogits(name: string, dtype?: DType): number[] {
  const model = loadModel(join(parity, "models", name), dtype ? { dtype } : {});
  const { cases } = read(join("models", name, "expected.json"), Expected);
  const found = cases.flatMap(({ prompt_ids, logits }) => lastLogits(model, prompt_ids, logits.length));
  model.dispose();
  return found;
}

// The dtype in which a half-precision model is computed differs from processor to processor; float32 is the same everywhere.
test.each(index.models)("%s gives mlx-lm's logits and greedy tokens", (name) => {
  const model = loadModel(join(parity, "models", name), { dtype: "float32" });
  const { cases } = read(join("models", name, "expected.json"), Expected);
  expectOutputs(model, cases, tolerance(name));
  model.dispose();
});

test.each(index.models.filter((name) => /float16/.test(name)))(
  "%s in half precision stays near its float32",
  (name) => {
    const { cases } = read(join("models", name, "expected.json"), Expected);
    const exact = allLogits(name, "float32");
    const theirs = relativeDifference(cases.flatMap(({ logits }) => logits).flat(), exact);
    // mlx-lm's half precision is as far away.
    expect(relativeDifference(allLogits(name), exact)).toBeLessThan(Math.max(2 * theirs, 3e-2));
  },
);

test("experts packed in 4 bits compute as their unpacked weights", () => {
  const packed = loadModel(join(parity, "models/qwen3-moe-4bit-g32"), { dtype: "float32" });
  const plain = loadModel(join(parity, "models/qwen3-moe-4bit-g32"), { dtype: "float32" });
  expect(dequantizeLayers(plain)).toBeGreaterThan(2 * 3);
  const ids = Array.from({ length: 50 }, (_, i) => (i * 31 + 7) % 288);
  expect(relativeDifference(lastLogits(packed, ids, 50), lastLogits(plain, ids, 50))).toBeLessThan(1e-5);
});
