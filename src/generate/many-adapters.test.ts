import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { toyModel } from "../../test/toys.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { liveTensors } from "../core/memory.ts";
import * as random from "../core/random.ts";
import { saveSafetensors } from "../core/safetensors.ts";
import { scope } from "../core/scope.ts";
import { AdapterBank } from "../tuner/adapter-bank.ts";
import { type AdapterSettings, makeTrainable } from "../tuner/adapters.ts";
import { loadAdapter } from "../tuner/load-adapter.ts";
import { BatchScheduler } from "./batch-scheduler.ts";
import { generateTokens } from "./generate.ts";
import { greedy, type Sampling } from "./sampler.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-many-adapters-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => useCpuKernels(true));

const toy = () => toyModel("qwen3", { num_hidden_layers: 3, vocab_size: 60, tie_word_embeddings: false });
const lowRank = (rank: number, keys?: string[], changes: object = {}): AdapterSettings => ({
  fine_tune_type: "lora",
  num_layers: -1,
  lora_parameters: { rank, scale: 4, dropout: 0, keys },
  ...changes,
});
const adapters: Record<string, AdapterSettings> = {
  everywhere: lowRank(2),
  attention: lowRank(3, ["self_attn.q_proj", "self_attn.v_proj"]),
  lastBlock: lowRank(1, undefined, { num_layers: 1 }),
  dora: lowRank(2, undefined, { fine_tune_type: "dora" }),
};
const path = (name: string) => join(folder, name);

beforeAll(() => {
  for (const [name, settings] of Object.entries(adapters)) {
    const model = toy();
    makeTrainable(model, settings);
    const weights = Object.entries(model.trainableParameters()).map(([key, { shape }], i) => [
      key,
      patterned(shape, i + name.length).multiply(0.8),
    ]);
    mkdirSync(path(name));
    saveSafetensors(join(path(name), "adapters.safetensors"), Object.fromEntries(weights));
    writeFileSync(join(path(name), "adapter_config.json"), JSON.stringify(settings));
    model.dispose();
  }
});

const names = ["", ...Object.keys(adapters)];
const prompts = [[3, 14, 15, 9, 26, 5], [7], [31, 41, 5, 9, 2, 6, 53, 58]];

async function alone(name: string, prompt: readonly number[], sampling: Sampling): Promise<number[]> {
  const model = toy();
  if (name) loadAdapter(model, path(name));
  random.seed(9);
  const ids: number[] = [];
  for await (const { id } of generateTokens(model, prompt, { sampling, maxTokens: 10 })) ids.push(id);
  model.dispose();
  return ids;
}

describe.each([
  ["our kernels", true],
  ["MLX's operations", false],
])("by %s", (_, kernels) => {
  test.each([
    ["greedy", greedy],
    ["sampled", { ...greedy, temperature: 1 }],
  ])("each text has its own adapter's answer, however many there are: %s", async (_name, sampling) => {
    useCpuKernels(kernels);
    const model = toy();
    const bank = new AdapterBank(model);
    for (const name of Object.keys(adapters)) bank.add(name, path(name));
    expect(bank.names).toEqual(Object.keys(adapters));
    const scheduler = new BatchScheduler(model, { maxPages: 64, adapters: bank });
    const wanted = new Map<number, { name: string; prompt: number[]; ids: number[] }>();
    for (const [step, prompt] of prompts.entries()) {
      for (const name of names) {
        const id = scheduler.add({ prompt, sampling, seed: 9, maxTokens: 10, adapter: name });
        wanted.set(id, { name, prompt, ids: [] });
      }
      for (let i = 0; i < step + 1; i++)
        for (const { text, id } of await scheduler.step()) wanted.get(text)?.ids.push(id);
    }
    while (!scheduler.isIdle) for (const { text, id } of await scheduler.step()) wanted.get(text)?.ids.push(id);
    const answers = [...wanted.values()];
    for (const { name, prompt, ids } of answers)
      expect([name, ids]).toEqual([name, await alone(name, prompt, sampling)]);
    const distinct = new Set(answers.slice(0, names.length).map(({ ids }) => ids.join()));
    expect(distinct.size).toBe(names.length);
    scheduler.dispose();
    model.dispose();
  });
});

test("adapters leave without a trace, and a bad one changes nothing", () => {
  const model = toy();
  const bank = new AdapterBank(model);
  bank.add("attention", path("attention"));
  const before = liveTensors();
  bank.add("everywhere", path("everywhere"));
  bank.remove("everywhere");
  expect(liveTensors()).toBe(before);
  const broken = path("broken");
  mkdirSync(broken);
  writeFileSync(join(broken, "adapter_config.json"), JSON.stringify(lowRank(2)));
  scope(() => saveSafetensors(join(broken, "adapters.safetensors"), { "somewhere.lora_a": patterned([2, 2], 1) }));
  expect(() => bank.add("broken", broken)).toThrow(/belongs to another model/);
  writeFileSync(join(broken, "adapter_config.json"), JSON.stringify({ fine_tune_type: "full", num_layers: 1 }));
  expect(() => bank.add("broken", broken)).toThrow(/whole weights/);
  expect(bank.names).toEqual(["attention"]);
  expect(liveTensors()).toBe(before);
  model.dispose();
});
