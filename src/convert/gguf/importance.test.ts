import { expect, test } from "vitest";
import { toyModel } from "../../../test/toys.ts";
import { liveTensors } from "../../core/memory.ts";
import { integers } from "../../core/ops.ts";
import { scope } from "../../core/scope.ts";
import { evaluate } from "../../core/transforms.ts";
import { measureImportance } from "./importance.ts";

const rows = [
  [1, 5, 9, 2],
  [7, 3, 3, 11, 20, 4],
];

test("the importance of a column is the mean square of what comes in", async () => {
  const model = toyModel("llama", { num_hidden_layers: 2 });
  const importance = await measureImportance(model, rows);
  const squares = rows.flatMap((row) => {
    const normed = scope(() => {
      const block = model.find("model.layers.0.input_layernorm");
      if (!block || !("forward" in block) || typeof block.forward !== "function") throw new Error("a block has a norm");
      return block.forward(model.embed(integers(row, [1, row.length]))).square();
    });
    const flat: number[] = normed.toArray();
    return row.map((_, i) => flat.slice(i * 8, (i + 1) * 8));
  });
  const expected = Array.from({ length: 8 }, (_, j) => squares.reduce((sum, row) => sum + (row[j] ?? 0), 0) / 10);
  const found = importance.get("blk.0.attn_q.weight") ?? new Float32Array();
  for (const [j, value] of expected.entries()) expect(found[j]).toBeCloseTo(value, 5);
  expect(importance.get("blk.0.attn_v.weight")).toEqual(found);
  expect(importance.get("blk.1.ffn_down.weight")).toHaveLength(12);
  expect([...importance.keys()].filter((name) => !name.startsWith("blk."))).toEqual([]);
});

test("experts have importances of their own, and those that no token goes through count all columns alike", async () => {
  const experts = { num_experts: 7, num_experts_per_tok: 1, moe_intermediate_size: 6, norm_topk_prob: true };
  const model = toyModel("qwen3_moe", experts);
  const importance = await measureImportance(model, [[1, 2]]);
  const gate = importance.get("blk.0.ffn_gate_exps.weight") ?? new Float32Array();
  expect(gate).toHaveLength(7 * 8);
  const byExpert = Array.from({ length: 7 }, (_, e) => [...gate.subarray(e * 8, (e + 1) * 8)]);
  expect(byExpert.filter((columns) => columns.every((value) => value === 1)).length).toBeGreaterThanOrEqual(5);
  expect(byExpert.some((columns) => new Set(columns).size > 1)).toBe(true);
  expect(importance.get("blk.0.ffn_down_exps.weight")).toHaveLength(7 * 6);
});

test("the model is as before, and nothing is left behind", async () => {
  const model = toyModel("mixtral", { num_local_experts: 3 });
  evaluate(model.parameters());
  const logits = () => scope(() => model.forward(integers([1, 2, 3], [1, 3]))).toArray();
  const expected = logits();
  const before = liveTensors();
  await measureImportance(model, rows);
  expect(liveTensors()).toBe(before);
  expect(logits()).toEqual(expected);
});
