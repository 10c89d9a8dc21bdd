import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { index, parity } from "../../test/parity/fixtures.ts";
import { familyToys, toyConfig } from "../../test/toys.ts";
import { liveTensors } from "../core/memory.ts";
import * as random from "../core/random.ts";
import { saveSafetensors } from "../core/safetensors.ts";
import { UserError } from "../protocol/user-error.ts";
import { buildModel, loadModel } from "./load.ts";

// Nothing here is left to the garbage collector: counts are exact, in a file of its own.

/** How many tensors more there are after `body`. */
function leftBy(body: () => void): number {
  const before = liveTensors();
  body();
  return liveTensors() - before;
}

test.each(familyToys)("a disposed %s leaves no tensor, not even the constants of its rotation", (_, type, changes) => {
  random.seed(1);
  expect(leftBy(() => buildModel(toyConfig(type, { ...changes, num_hidden_layers: 2 }), "a toy").dispose())).toBe(0);
});

test.each(index.models)("%s, loaded and disposed of, leaves no tensor", (name) => {
  random.seed(1);
  expect(leftBy(() => loadModel(join(parity, "models", name)).dispose())).toBe(0);
});

test("a folder whose weights do not fit the model leaves none either", () => {
  random.seed(1);
  const folder = mkdtempSync(join(tmpdir(), "cygnet-dispose-"));
  writeFileSync(join(folder, "config.json"), JSON.stringify(toyConfig("qwen3", { vocab_size: 25 })));
  const model = buildModel(toyConfig("qwen3"), "a toy");
  saveSafetensors(join(folder, "model.safetensors"), model.parameters());
  model.dispose();
  expect(leftBy(() => expect(() => loadModel(folder)).toThrow(UserError))).toBe(0);
  rmSync(folder, { recursive: true });
});
