import { expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { liveTensors } from "../core/memory.ts";
import { integers, tensor } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { withModeDefaults } from "../nn/quantization.ts";
import { applyActivationScales, findActivationScales } from "./activation-scales.ts";
import { plannedQuantization, quantizeModel } from "./quantize-model.ts";

const size = { hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, head_dim: 16, num_key_value_heads: 4 };
const rows = [0, 1, 2, 3].map((row) => Array.from({ length: 40 }, (_, i) => (i * (7 + row) + 3 * row) % 24));
const request = { settings: withModeDefaults({ bits: 3, group_size: 32 }), rules: [] };

/** A toy some of whose channels carry much more than the others, as in large models. */
function unevenToy(changes: Record<string, unknown> = {}): LanguageModel {
  const model = toyModel("llama", { ...size, ...changes });
  const uneven = () => tensor(Array.from({ length: 64 }, (_, i) => (i % 16 === 0 ? 20 : 1)));
  for (const path of Object.keys(model.parameters()))
    if (path.endsWith("layernorm.weight")) model.update({ [path]: uneven() });
  return model;
}

function logits(model: LanguageModel): number[] {
  return rows.flatMap((row) => scope(() => model.forward(integers(row, [1, row.length]))).toArray());
}

function meanSquare(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] ?? Number.NaN)) ** 2, 0) / a.length;
}

test.each([
  ["as many value heads as query heads", {}, 8],
  ["fewer value heads", { num_key_value_heads: 2 }, 6],
  ["biases", { attention_bias: true, mlp_bias: true }, 8],
])("a scaled model computes what it did: %s", async (_name, changes, count) => {
  const model = unevenToy(changes);
  const expected = logits(model);
  const groups = await findActivationScales(model, rows, plannedQuantization(model, request));
  expect(logits(model)).toEqual(expected);
  expect(groups).toHaveLength(count);
  const [first] = groups;
  expect(first?.scale.toArray().some((value) => Math.abs(value - 1) > 0.1)).toBe(true);
  applyActivationScales(model, groups);
  const size = Math.max(...expected.map(Math.abs));
  expect(Math.sqrt(meanSquare(logits(model), expected)) / size).toBeLessThan(1e-5);
});

test("packed after scaling, outputs move less", async () => {
  const blocks = { ...request, rules: [{ pattern: "*.embed_tokens", quantization: "skip" as const, text: "" }] };
  const [plain, scaled] = [unevenToy(), unevenToy()];
  const expected = logits(plain);
  applyActivationScales(scaled, await findActivationScales(scaled, rows, plannedQuantization(scaled, blocks)));
  const config = { model_type: "llama" };
  for (const model of [plain, scaled]) quantizeModel(model, config, blocks);
  expect(meanSquare(logits(scaled), expected)).toBeLessThan(0.8 * meanSquare(logits(plain), expected));
});

test("layers that stay in floating point are not scaled, and nothing is left behind", async () => {
  const model = unevenToy();
  evaluate(model.parameters());
  const before = liveTensors();
  const groups = await findActivationScales(model, rows, (path) =>
    path.includes("layers.1.mlp.down_proj") ? request.settings : undefined,
  );
  expect(groups.map(({ readers }) => readers)).toEqual([["model.layers.1.mlp.down_proj"]]);
  expect(liveTensors() - before).toBe(1);
});
