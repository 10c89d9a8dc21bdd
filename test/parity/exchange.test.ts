import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { loadSafetensors } from "../../src/core/safetensors.ts";
import { loadDataset } from "../../src/data/dataset.ts";
import { tokenizeRows } from "../../src/data/sample.ts";
import { generateText } from "../../src/generate/generate-text.ts";
import { greedy } from "../../src/generate/sampler.ts";
import { loadModel } from "../../src/models/load.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { CompatBatches } from "../../src/tuner/batches.ts";
import { TrainConfig } from "../../src/tuner/config.ts";
import { evaluateLoss } from "../../src/tuner/evaluate-loss.ts";
import { loadAdapter } from "../../src/tuner/load-adapter.ts";
import { runTraining } from "../../src/tuner/run.ts";
import { parity, relativeDifference } from "./fixtures.ts";

// fixtures/exchange: an adapter that Cygnet trained, and what Python mlx-lm computes with it
// (scripts/check-adapter-with-mlx-lm.py). The other direction is in src/tuner/adapters.test.ts.

const root = resolve(import.meta.dirname, "../..");
const exchange = resolve(import.meta.dirname, "../fixtures/exchange");
const Expected = z.object({
  losses: z.object({ train: z.number(), valid: z.number(), test: z.number() }),
  answers: z.array(z.object({ prompt: z.string(), text: z.string() })),
});

function exchangedConfig(): TrainConfig {
  const yaml = z.record(z.string(), z.unknown()).parse(parse(readFileSync(join(exchange, "config.yaml"), "utf8")));
  return TrainConfig.parse({
    ...yaml,
    model: join(root, String(yaml.model)),
    data: join(root, String(yaml.data)),
    adapter_path: mkdtempSync(join(tmpdir(), "cygnet-exchange-")),
  });
}

test("mlx-lm computes with our adapter what we compute", async () => {
  const expected = Expected.parse(JSON.parse(readFileSync(join(exchange, "expected.json"), "utf8")));
  const folder = join(parity, "models/qwen3");
  const tokenizer = await Tokenizer.load(folder);
  const model = loadModel(folder);
  loadAdapter(model, join(exchange, "adapter"));

  const rows = await loadDataset(join(parity, "data/chat"));
  const options = { batchSize: 1, maxSeqLength: 256, seed: 0 };
  for (const split of ["train", "valid", "test"] as const) {
    const { samples } = await tokenizeRows(rows[split], tokenizer, { maskPrompt: true, compat: true });
    const loss = await evaluateLoss(model, new CompatBatches([], options).measuring(samples, -1));
    expect(Math.abs(loss / expected.losses[split] - 1), split).toBeLessThan(1e-5);
  }
  for (const { prompt, text } of expected.answers) {
    const ids = await tokenizer.encodeChat([{ role: "user", content: prompt }], { addGenerationPrompt: true });
    let found = "";
    for await (const part of generateText(model, tokenizer, ids, { sampling: greedy, maxTokens: 64 })) found += part;
    expect(found).toBe(text);
  }
});

test("training gives that adapter again, in the files that mlx-lm reads", async () => {
  const config = exchangedConfig();
  for await (const _ of runTraining(config));
  const [ours, kept] = [config.adapter_path, join(exchange, "adapter")].map(
    (folder) => loadSafetensors(join(folder, "adapters.safetensors")).tensors,
  );
  expect(Object.keys(ours ?? {}).sort()).toEqual(Object.keys(kept ?? {}).sort());
  for (const [name, tensor] of Object.entries(kept ?? {})) {
    const found = ours?.[name];
    expect([found?.dtype, found?.shape], name).toEqual(["float32", tensor.shape]);
    expect(relativeDifference(found?.toArray() ?? [], tensor.toArray()), name).toBeLessThan(1e-2);
  }
});
