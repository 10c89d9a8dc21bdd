import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { onSmallDisk } from "../../test/small-disk.ts";
import { toyConfig, toyModel } from "../../test/toys.ts";
import { loadModel } from "../models/load.ts";
import { UserError } from "../protocol/user-error.ts";
import { saveModel } from "./save-model.ts";

test("the files beside the weights come along, and a mixture of experts loads again with equal weights", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-save-"));
  const [source, target] = [join(folder, "source"), join(folder, "target")];
  mkdirSync(join(source, "additional_chat_templates"), { recursive: true });
  writeFileSync(join(source, "additional_chat_templates/rag.jinja"), "rag");
  writeFileSync(join(source, "tokenizer.model"), "pieces");
  writeFileSync(join(source, "notes.md"), "not part of a model");
  const config = toyConfig("mixtral", { num_local_experts: 3 });
  const model = toyModel("mixtral", { num_local_experts: 3 });
  await saveModel({ model, config, source, target, force: false });
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

describe("a disk that runs full", () => {
  onSmallDisk("leaves the model that was there, and no part of the new one", async (disk) => {
    const target = join(disk, "copy");
    const config = toyConfig("llama");
    const options = { config, source: mkdtempSync(join(tmpdir(), "cygnet-save-")), target, force: true };
    await saveModel({ ...options, model: toyModel("llama") });
    const before = loadModel(target).parameters()["model.norm.weight"]?.toArray();
    const large = toyModel("llama", { vocab_size: 40_000 });
    const code = await saveModel({ ...options, model: large }).catch((error: unknown) =>
      error instanceof UserError ? error.code : error,
    );
    expect(code).toBe("file/write-failed");
    expect(readdirSync(disk)).toEqual(["copy"]);
    expect(loadModel(target).parameters()["model.norm.weight"]?.toArray()).toEqual(before);
  });
});
