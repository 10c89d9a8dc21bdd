import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { liveTensors } from "../core/memory.ts";
import { integers } from "../core/ops.ts";
import { saveSafetensors } from "../core/safetensors.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import { UserError } from "../protocol/user-error.ts";
import { KVCache } from "./cache.ts";
import { loadPromptCache, savePromptCache } from "./prompt-cache.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-cache-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = toyModel("qwen3", { num_hidden_layers: 2 });
const tokens = [3, 1, 4, 1, 5];

function next(layers: readonly KVCache[], id: number): number[] {
  return scope(() => model.forward(integers([id], [1, 1]), layers).toArray());
}

test("a saved prompt goes on as the one that was computed", () => {
  const path = join(folder, "prompt.safetensors");
  const layers = model.blocks.map(() => new KVCache());
  scope(() => void model.hidden(integers(tokens, [1, 5]), layers));
  evaluate(layers.map(({ state }) => state));
  savePromptCache(path, { tokens, layers }, "a model");
  const before = liveTensors();
  const loaded = loadPromptCache(path, model, "a model");
  expect(loaded.tokens).toEqual(tokens);
  expect(next(loaded.layers, 9)).toEqual(next(layers, 9));
  for (const layer of loaded.layers) layer.dispose();
  expect(liveTensors()).toBe(before);
  expect(() => loadPromptCache(path, model, "another model")).toThrow(UserError);
  expect(liveTensors()).toBe(before);
  for (const layer of layers) layer.dispose();
});

test("another file is told", () => {
  const path = join(folder, "other.safetensors");
  saveSafetensors(path, { x: integers([1]) });
  expect(() => loadPromptCache(path, model, "a model")).toThrow("not a prompt cache");
});
