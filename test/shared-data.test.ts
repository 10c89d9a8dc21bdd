import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { integers } from "../src/core/ops.ts";
import { scope } from "../src/core/scope.ts";
import type { Sample } from "../src/data/sample.ts";
import { generateTokens } from "../src/generate/generate.ts";
import { greedy } from "../src/generate/sampler.ts";
import type { LanguageModel } from "../src/models/language-model.ts";
import { loadModel } from "../src/models/load.ts";
import type { TrainerEvent } from "../src/protocol/events.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { makeBatch } from "../src/tuner/batches.ts";
import { TrainConfig } from "../src/tuner/config.ts";
import { evaluateLoss } from "../src/tuner/evaluate-loss.ts";
import { loadAdapter } from "../src/tuner/load-adapter.ts";
import { runTraining } from "../src/tuner/run.ts";
import { hasShared, shared } from "./command-line.ts";

const data = join(shared, "data");

function readJson<T>(path: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(readFileSync(path, "utf8")));
}

async function greedyIds(model: LanguageModel, prompt: readonly number[], count: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of generateTokens(model, prompt, { sampling: greedy, maxTokens: count })) ids.push(id);
  return ids;
}

describe.skipIf(!hasShared)("real checkpoints", () => {
  const Reference = z.object({
    cases: z.array(
      z.object({
        prompt_ids: z.array(z.int()),
        prompt_token_nll: z.array(z.number()).optional(),
        next_token_top10: z.array(z.tuple([z.int(), z.number()])),
        greedy_ids: z.array(z.int()),
      }),
    ),
  });

  test.each(["stories260K", "stories260K-padded", "stories260K-mlx-4bit"])(
    "%s gives its reference logits and tokens",
    async (name) => {
      const model = loadModel(join(data, name));
      const { cases } = readJson(join(data, name, "reference.json"), Reference);
      for (const { prompt_ids, prompt_token_nll, next_token_top10, greedy_ids } of cases) {
        const logits = scope(() => model.forward(integers(prompt_ids, [1, prompt_ids.length])));
        const last = scope(() => logits.at(1, -1)).toArray();
        for (const [id, value] of next_token_top10) expect(last[id]).toBeCloseTo(value, 2);
        const nll = scope(() => {
          const logprobs = logits.subtract(logits.logsumexp(-1, true));
          return prompt_ids.slice(1).map((id, i) => logprobs.at(1, i).at(1, id));
        }).map((value) => -value.item());
        for (const [i, value] of (prompt_token_nll ?? []).entries()) expect(nll[i]).toBeCloseTo(value, 3);
        expect(await greedyIds(model, prompt_ids, greedy_ids.length)).toEqual(greedy_ids);
      }
    },
  );

  test("mlx-lm's adapter gives its reference losses and text", async () => {
    const Adapter = z.object({
      base: z.object({ loss: z.number() }),
      adapted: z.object({ loss: z.number(), tokens: z.int(), prompt: z.string(), greedy_ids: z.array(z.int()) }),
    });
    const folder = join(data, "stories260K-wikisql-lora");
    const reference = readJson(join(folder, "reference.json"), Adapter);
    const tokenizer = await Tokenizer.load(join(data, "stories260K"));
    const lines = readFileSync(join(data, "wikisql/valid.jsonl"), "utf8").split("\n").slice(0, 20);
    const texts = lines.map((line) => z.object({ text: z.string() }).parse(JSON.parse(line)).text);
    const batches = await Promise.all(
      texts.map(async (text, i) => {
        const ids = [...(await tokenizer.encode(text)), tokenizer.eosTokenId ?? 2].slice(0, 512);
        const row = { form: "text" as const, text, file: "valid.jsonl", line: i + 1 };
        const sample: Sample = { ids, promptLength: 0, targets: [[1, ids.length]], row };
        return makeBatch([sample], 512, false);
      }),
    );
    const model = loadModel(join(data, "stories260K"));
    expect(await evaluateLoss(model, batches)).toBeCloseTo(reference.base.loss, 4);
    loadAdapter(model, folder);
    expect(await evaluateLoss(model, batches)).toBeCloseTo(reference.adapted.loss, 4);
    const prompt = await tokenizer.encode(reference.adapted.prompt);
    const ids = await greedyIds(model, prompt, reference.adapted.greedy_ids.length);
    expect(ids).toEqual(reference.adapted.greedy_ids);
  });

  test("training on WikiSQL in compat mode follows mlx-lm's curve", async () => {
    const Curve = z.object({
      config: z.record(z.string(), z.unknown()),
      train: z.array(z.object({ train_loss: z.number(), trained_tokens: z.int() })),
      validation: z.array(z.object({ val_loss: z.number() })),
    });
    const expected = readJson(resolve(import.meta.dirname, "fixtures/wikisql-curve.json"), Curve);
    const config = TrainConfig.parse({
      ...expected.config,
      model: join(data, "stories260K"),
      data: join(data, "wikisql"),
      adapter_path: mkdtempSync(join(tmpdir(), "cygnet-wikisql-")),
      compat: "mlx-lm",
    });
    const events: TrainerEvent[] = [];
    for await (const event of runTraining(config)) events.push(event);
    const train = events.filter((event) => event.type === "train");
    const validation = events.filter((event) => event.type === "validation");
    expect(train.length).toBe(expected.train.length);
    for (const [i, { train_loss, trained_tokens }] of expected.train.entries()) {
      expect(train[i]?.trained_tokens).toBe(trained_tokens);
      expect(Math.abs((train[i]?.train_loss ?? Number.NaN) / train_loss - 1), `step ${i + 1}`).toBeLessThan(1e-4);
    }
    for (const [i, { val_loss }] of expected.validation.entries()) {
      expect(Math.abs((validation[i]?.val_loss ?? Number.NaN) / val_loss - 1)).toBeLessThan(1e-4);
    }
  });
});
