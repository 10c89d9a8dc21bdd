import { expect, test } from "vitest";
import { integers } from "../../src/core/ops.ts";
import * as random from "../../src/core/random.ts";
import { scope } from "../../src/core/scope.ts";
import { evaluate } from "../../src/core/transforms.ts";
import { BatchScheduler } from "../../src/generate/batch-scheduler.ts";
import { generateTokens } from "../../src/generate/generate.ts";
import { generateText } from "../../src/generate/generate-text.ts";
import { generateTexts } from "../../src/generate/generate-texts.ts";
import { greedy, type Sampling } from "../../src/generate/sampler.ts";
import type { LanguageModel } from "../../src/models/language-model.ts";
import { loadModel } from "../../src/models/load.ts";
import { PagedCache } from "../../src/models/paged-cache.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { relativeDifference } from "../parity/fixtures.ts";
import { onEachModel, onEachPath, someIds, tiny } from "./decoding-models.ts";
import { fullForward } from "./logits.ts";

/** float32: one row's sums in the order of several; 7e-7 was seen. */
const exact = 1e-5;
/** bfloat16 keeps 8 bits, 4e-3, and a row alone is rounded at other places than among others; 1e-2 was seen. */
const half = 3e-2;

const lengths = [5, 1, 9, 3];
const steps = 6;
/** Rows that go on after each step: one ends early, then two, the last alone. */
const going = [[0, 1, 2, 3], [0, 2, 3], [0, 2, 3], [2], [2], [2]];

/** Logits of each text's continuation, all texts that go on together. */
function together(model: LanguageModel, texts: readonly number[][]): number[][] {
  const cache = new PagedCache(model.blocks.length, texts.length);
  const pages = texts.map(() => [cache.take()]);
  const found: number[][] = texts.map(() => []);
  const pass = (rows: readonly number[], pasts: readonly number[], counts: readonly number[]): void => {
    cache.begin(rows.map((row, i) => ({ count: counts[i] ?? 0, past: pasts[i] ?? 0, pages: pages[row] ?? [] })));
    const ids = rows.flatMap((row, i) => texts[row]?.slice(pasts[i], (pasts[i] ?? 0) + (counts[i] ?? 0)) ?? []);
    const logits = scope(() => model.forward(integers(ids, [1, ids.length]), cache.layers));
    evaluate(logits, cache.state);
    if (pasts.every((past) => past > 0)) {
      for (const [i, row] of rows.entries()) found[row]?.push(...logits.slice(1, i, i + 1).toArray());
    }
    logits.dispose();
  };
  pass(
    texts.map((_, row) => row),
    texts.map(() => 0),
    lengths,
  );
  for (const [step, rows] of going.entries()) {
    pass(
      rows,
      rows.map((row) => (lengths[row] ?? 0) + step),
      rows.map(() => 1),
    );
  }
  cache.dispose();
  return found;
}

const samplings: [string, Sampling][] = [
  ["greedy", greedy],
  ["sampled", { ...greedy, temperature: 0.9, topP: 0.95 }],
];

onEachModel((model) => {
  test("rows of different lengths, of which some end early, equal each one's full forward", () => {
    const texts = lengths.map((length, row) => someIds(model, length + steps, row + 1));
    for (const [row, logits] of together(model, texts).entries()) {
      const start = (lengths[row] ?? 0) * model.config.vocab_size;
      const expected = fullForward(model, texts[row] ?? []).slice(start, start + logits.length);
      expect(logits.length, `row ${row}`).toBeGreaterThan(0);
      expect(relativeDifference(logits, expected), `row ${row}`).toBeLessThan(exact);
    }
  });

  test.each(samplings)("texts are what each is alone with the seed: %s", async (_, sampling) => {
    const prompts = lengths.map((length, row) => someIds(model, length, row + 1));
    const most = [12, 3, 7, 1];
    const scheduler = new BatchScheduler(model, { maxPages: 8 });
    const found = new Map(
      prompts.map((prompt, row) => [
        scheduler.add({ prompt, sampling, maxTokens: most[row] ?? 0, seed: 11 }),
        [] as number[],
      ]),
    );
    while (!scheduler.isIdle) for (const { text, id } of await scheduler.step()) found.get(text)?.push(id);
    scheduler.dispose();
    for (const [row, ids] of [...found.values()].entries()) {
      random.seed(11);
      const alone: number[] = [];
      const options = { sampling, maxTokens: most[row] ?? 0 };
      for await (const { id } of generateTokens(model, prompts[row] ?? [], options)) alone.push(id);
      expect(ids, `text ${row}`).toEqual(alone);
    }
  });
});

const tokenizer = await Tokenizer.load(tiny);
const questions = ["hello", "who are you?", "你是谁？", "What is the capital of France?", "tell me a joke"];

onEachPath(() => {
  test("the same seed gives the same text in a batch and alone", async () => {
    const model = loadModel(tiny, { dtype: "float32" });
    const options = { sampling: { ...greedy, temperature: 1 }, maxTokens: 30 };
    const prompts = await Promise.all(
      questions.map((content) => tokenizer.encodeChat([{ role: "user", content }], { addGenerationPrompt: true })),
    );
    const texts: string[] = [];
    for await (const { text } of generateTexts(model, tokenizer, prompts, { ...options, seed: 4, batchSize: 5 })) {
      texts.push(text);
    }
    for (const [row, prompt] of prompts.entries()) {
      random.seed(4);
      let alone = "";
      for await (const piece of generateText(model, tokenizer, prompt, options)) alone += piece;
      expect(texts[row]).toBe(alone);
    }
    model.dispose();
  });

  test("in bfloat16 a row's logits among others stay near those alone", () => {
    const model = loadModel(tiny, { dtype: "bfloat16" });
    const texts = lengths.map((length, row) => someIds(model, length + steps, row + 1));
    for (const [row, logits] of together(model, texts).entries()) {
      const start = (lengths[row] ?? 0) * model.config.vocab_size;
      const expected = fullForward(model, texts[row] ?? []).slice(start, start + logits.length);
      expect(relativeDifference(logits, expected), `row ${row}`).toBeLessThan(half);
    }
    model.dispose();
  });
});
