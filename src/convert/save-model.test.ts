import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toyConfig, toyModel } from "../../test/toys.ts";
import { loadModel } from "../models/load.ts";
import { saveModel } from "./save-model.ts";

test("the files beside the weights come along, and a mixture of experts loads again with equal weights", () => {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-save-"));
  const [source, target] = [join(folder, "source"), join(folder, "target")];
  mkdirSync(join(source, "additional_chat_templates"), { recursive: true });
  writeFileSync(join(source, "additional_chat_templates/rag.jinja"), "rag");
  writeFileSync(join(source, "tokenizer.model"), "pieces");
  writeFileSync(join(source, "notes.md"), "not part of a model");
  const config = toyConfig("mixtral", { num_local_experts: 3 });
  const model = toyModel("mixtral", { num_local_experts: 3 });
  saveModel({ model, config, source, target, force: false });
  expect(readdirSync(target).sort()).toEqual([
    "additional_chat_templates",
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "tokenizer.model",
  ]);
  expect(readFileSync(join(target, "additional_chat_templates/rag.jinja"), "utf8")).toBe("rag");
  const again = loadModel(target).parameters();
  for (const [path, weight] of Object.entries(model.parameters())) {
    expect(again[path]?.toArray(), path).toEqual(weight.toArray());
  }
});
