import { afterEach, describe, expect, test } from "vitest";
import { onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { toyModel } from "../../test/toys.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { liveTensors } from "../core/memory.ts";
import { integers } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import { BatchKVCache } from "./batch-cache.ts";
import { KVCache } from "./cache.ts";
import type { LanguageModel } from "./language-model.ts";

afterEach(restoreKernels);

const prompts = [[3, 14, 15, 9, 26], [5], [35, 8, 9, 7, 9, 3, 2, 38, 4]];
const continuation = [
  [11, 12, 13],
  [21, 22, 23],
  [31, 32, 33],
];

function prefilled(model: LanguageModel, prompt: readonly number[]): KVCache[] {
  const cache = model.blocks.map(() => new KVCache());
  scope(() => void model.hidden(integers(prompt, [1, prompt.length]), cache));
  evaluate(cache.flatMap((layer) => layer.state));
  return cache;
}

/** Hidden states of each row's continuation, token by token, each row alone. */
function alone(model: LanguageModel, row: number): number[][] {
  const cache = prefilled(model, prompts[row] ?? []);
  const states = (continuation[row] ?? []).map((token) => {
    const hidden = scope(() => model.hidden(integers([token], [1, 1]), cache));
    evaluate(
      hidden,
      cache.flatMap((layer) => layer.state),
    );
    return hidden.toArray();
  });
  for (const layer of cache) layer.dispose();
  return states;
}

/** The same for all rows together; after the first token the rows of `kept` go on. */
function together(model: LanguageModel, kept: readonly number[]): number[][][] {
  const rows = prompts.map((prompt) => prefilled(model, prompt));
  const caches = model.blocks.map((_, layer) => scope(() => new BatchKVCache(rows.flatMap((row) => row[layer] ?? []))));
  for (const layer of rows.flat()) layer.dispose();
  const states: number[][][] = prompts.map(() => []);
  let now = prompts.map((_, row) => row);
  for (let step = 0; step < 3; step++) {
    const ids = now.map((row) => continuation[row]?.[step] ?? 0);
    const hidden = scope(() => model.hidden(integers(ids, [ids.length, 1]), caches));
    evaluate(
      hidden,
      caches.flatMap((layer) => layer.state),
    );
    for (const [place, row] of now.entries()) states[row]?.push(hidden.slice(0, place, place + 1).toArray());
    if (step > 0) continue;
    now = [...kept];
    for (const layer of caches) scope(() => layer.keepRows(now));
  }
  for (const layer of caches) layer.dispose();
  return states;
}

function check(): void {
  const model = toyModel("llama", { num_hidden_layers: 2, vocab_size: 50 });
  const before = liveTensors();
  scope(() => {
    const found = together(model, [2, 0]);
    for (const row of [0, 2]) {
      for (const [step, expected] of alone(model, row).entries()) {
        const state = found[row]?.[step] ?? [];
        expect(state).toHaveLength(expected.length);
        for (const [i, value] of expected.entries()) expect(Math.abs((state[i] ?? 0) - value)).toBeLessThan(1e-5);
      }
    }
    expect(found[1]).toHaveLength(1);
  });
  expect(liveTensors()).toBe(before);
  model.dispose();
}

onEachIsa("rows of different lengths", () => {
  test("decode together as alone, also when a row has ended", check);
});

describe("by MLX's operations", () => {
  test("rows of different lengths decode together as alone", () => {
    useCpuKernels(false);
    check();
  });
});
