import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { useCpuKernels } from "../../src/core/kernels.ts";
import { loadModel } from "../../src/models/load.ts";
import { relativeDifference } from "./fixtures.ts";
import { Expected, expectOutputs, lastLogits } from "./model-outputs.ts";

// fixtures/transformers: folders that Python transformers wrote, and its outputs (scripts/write-transformers-fixtures.py).
const folder = resolve(import.meta.dirname, "../fixtures/transformers");

test.each(readdirSync(folder))("%s gives transformers' logits and greedy tokens", (name) => {
  const model = loadModel(join(folder, name), { dtype: "float32" });
  const { cases } = Expected.parse(JSON.parse(readFileSync(join(folder, name, "expected.json"), "utf8")));
  try {
    for (const on of [true, false]) {
      useCpuKernels(on);
      expectOutputs(model, cases, 1e-5);
    }
  } finally {
    useCpuKernels(true);
  }
});

test("in bfloat16 a mixture of experts stays near its float32", () => {
  const { cases } = Expected.parse(JSON.parse(readFileSync(join(folder, "mixtral", "expected.json"), "utf8")));
  const model = loadModel(join(folder, "mixtral"), { dtype: "bfloat16" });
  for (const { prompt_ids, logits } of cases) {
    expect(relativeDifference(lastLogits(model, prompt_ids, logits.length), logits.flat())).toBeLessThan(5e-2);
  }
});
