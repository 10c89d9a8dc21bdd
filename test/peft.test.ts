import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { exportPeft } from "../src/convert/export-peft.ts";
import { dequantizeLayers, fuseAdapters } from "../src/convert/fuse.ts";
import { integers } from "../src/core/ops.ts";
import { loadSafetensors, saveSafetensors } from "../src/core/safetensors.ts";
import { scope } from "../src/core/scope.ts";
import type { LanguageModel } from "../src/models/language-model.ts";
import { loadModel } from "../src/models/load.ts";
import { AdapterBank } from "../src/tuner/adapter-bank.ts";
import { loadAdapter } from "../src/tuner/load-adapter.ts";
import { readPeftAdapter } from "../src/tuner/peft-adapter.ts";
import { cygnet, folderWith } from "./command-line.ts";

// Toys and adapters as Python peft saves them, with its logits: scripts/write-peft-fixtures.py.

const fixtures = join(import.meta.dirname, "fixtures/peft");
const Expected = z.object({
  cases: z.array(z.object({ prompt_ids: z.array(z.int()), logits: z.array(z.number()) })),
});
const adapters = [
  ["qwen3", "lora"],
  ["qwen3", "rslora"],
  ["llama", "dora"],
  ["llama", "saved"],
] as const;

function expectLogits(model: LanguageModel, folder: string, tolerance = 2e-5): void {
  const { cases } = Expected.parse(JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")));
  for (const { prompt_ids, logits } of cases) {
    const found = scope(() => [
      model
        .forward(integers(prompt_ids, [1, prompt_ids.length]))
        .at(1, -1)
        .squeeze(0),
    ])[0];
    const worst = Math.max(...(found?.toArray() ?? []).map((value, i) => Math.abs(value - (logits[i] ?? Number.NaN))));
    expect(worst).toBeLessThan(tolerance);
    found?.dispose();
  }
}

describe.each(adapters)("an adapter of Python peft on %s: %s", (toy, name) => {
  const folder = join(fixtures, toy, name);
  const base = join(fixtures, toy, "model");

  test("gives peft's logits, and merged the same", () => {
    const model = loadModel(base);
    loadAdapter(model, folder);
    expectLogits(model, folder);
    fuseAdapters(model, { dequantize: false });
    dequantizeLayers(model);
    expectLogits(model, folder);
    model.dispose();
  });
});

/** An adapter of peft with one rank for all as a run folder of ours. */
function asRun(folder: string): string {
  const { fine_tune_type, layers, updates } = readPeftAdapter(folder);
  const [{ rank, scale, dropout } = { rank: 0, scale: 0, dropout: 0 }] = layers;
  const keys = [...new Set(layers.map(({ path }) => path.replace(/^model\.layers\.\d+\./, "")))];
  const config = {
    model: "toys/base",
    fine_tune_type,
    num_layers: -1,
    lora_parameters: { rank, scale, dropout, keys },
  };
  const run = folderWith({ "adapter_config.json": JSON.stringify(config) });
  saveSafetensors(join(run, "adapters.safetensors"), updates);
  return run;
}

test.each([
  ["qwen3", "lora"],
  ["llama", "dora"],
])("what is exported from %s is what peft wrote: %s", async (toy, name) => {
  const folder = join(fixtures, toy, name);
  const target = join(folderWith({}), "peft");
  const exported = await exportPeft({ adapter: asRun(folder), target });
  const [ours, theirs] = [target, folder].map(
    (each) => loadSafetensors(join(each, "adapter_model.safetensors")).tensors,
  );
  expect(Object.keys(ours ?? {}).sort()).toEqual(Object.keys(theirs ?? {}).sort());
  for (const [key, tensor] of Object.entries(theirs ?? {})) expect(ours?.[key]?.toArray()).toEqual(tensor.toArray());
  const [config, wanted] = [target, folder].map((each) =>
    JSON.parse(readFileSync(join(each, "adapter_config.json"), "utf8")),
  );
  for (const key of ["peft_type", "r", "lora_alpha", "use_dora", "use_rslora", "lora_dropout", "bias", "task_type"]) {
    expect(config[key]).toEqual(wanted[key]);
  }
  const lastNames = wanted.target_modules.map((path: string) => path.split(".").at(-1));
  expect(config.target_modules).toEqual([...new Set(lastNames)].sort());
  expect(config.layers_to_transform).toEqual([0, 1]);
  expect(config.base_model_name_or_path).toBe("toys/base");
  expect(exported).toBe(config.target_modules.length * config.layers_to_transform.length);
  const model = loadModel(join(fixtures, toy, "model"));
  loadAdapter(model, target);
  expectLogits(model, folder);
  model.dispose();
});

test("adapters of peft stand beside others on the same weights, unless they bring whole weights", () => {
  const model = loadModel(join(fixtures, "llama/model"));
  const bank = new AdapterBank(model);
  bank.add("dora", join(fixtures, "llama/dora"));
  expect(() => bank.add("saved", join(fixtures, "llama/saved"))).toThrow(/modules_to_save/);
  bank.remove("dora");
  model.dispose();
});

test("the command writes, replaces only adapters, and says what cannot be exported", () => {
  const place = folderWith({ "notes/a.txt": "mine" });
  const run = asRun(join(fixtures, "qwen3/lora"));
  const output = join(place, "out");
  const done = cygnet(["export", "peft", "--adapter-path", run, "--output", output, "--json"]);
  expect(JSON.parse(done.stdout)).toEqual({ output, layers: 6 });
  expect(readdirSync(output).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  expect(cygnet(["export", "peft", "--adapter-path", run, "--output", output]).stderr).toMatch(/--force/);
  expect(cygnet(["export", "peft", "--adapter-path", run, "--output", output, "--force"]).status).toBe(0);
  const refused = cygnet(["export", "peft", "--adapter-path", run, "--output", join(place, "notes"), "--force"]);
  expect([refused.status, existsSync(join(place, "notes/a.txt"))]).toEqual([2, true]);
  const full = folderWith({});
  cpSync(run, full, { recursive: true });
  writeFileSync(join(full, "adapter_config.json"), JSON.stringify({ fine_tune_type: "full", num_layers: -1 }));
  expect(cygnet(["export", "peft", "--adapter-path", full, "--output", join(place, "x")]).stderr).toMatch(
    /cygnet fuse/,
  );
});
