import { afterEach, describe, expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { useCpuKernels } from "../core/kernels.ts";
import * as random from "../core/random.ts";
import { BatchScheduler, type SchedulerOptions } from "./batch-scheduler.ts";
import { generateTokens } from "./generate.ts";
import type { TextRequest } from "./running-text.ts";
import { greedy, type Sampling } from "./sampler.ts";

const model = toyModel("qwen3", { num_hidden_layers: 2 });
const prompts = [[3, 1, 4, 1, 5, 9, 2], [6], [5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4], [6, 2, 6]];

afterEach(() => useCpuKernels(true));

/** Each text's tokens; text i ends after lengths[i] of them, and joins at step joins[i]. */
async function together(
  { sampling = greedy, maxTokens = 12, ...options }: Partial<TextRequest & SchedulerOptions> = {},
  { lengths = [], joins = [] }: { lengths?: readonly number[]; joins?: readonly number[] } = {},
): Promise<number[][]> {
  const scheduler = new BatchScheduler(model, { maxPages: 64, ...options });
  const found: number[][] = prompts.map(() => []);
  const places = new Map<number, number>();
  for (let step = 0; places.size < prompts.length || !scheduler.isIdle; step++) {
    for (const [i, prompt] of prompts.entries()) {
      if ((joins[i] ?? 0) === step) places.set(scheduler.add({ prompt, sampling, maxTokens, seed: 5 }), i);
    }
    for (const { text, id } of await scheduler.step()) {
      const own = found[places.get(text) ?? -1] ?? [];
      const wanted = lengths[places.get(text) ?? -1];
      if (own.length === wanted) continue; // came with the last one
      own.push(id);
      if (own.length === wanted) scheduler.end(text);
    }
  }
  scheduler.dispose();
  return found;
}

async function alone(sampling: Sampling, text: number, maxTokens = 12): Promise<number[]> {
  random.seed(5);
  const ids: number[] = [];
  for await (const { id } of generateTokens(model, prompts[text] ?? [], { sampling, maxTokens })) ids.push(id);
  return ids;
}

const samplings: [string, Sampling][] = [
  ["greedy", greedy],
  ["sampled", { ...greedy, temperature: 1.2, topP: 0.9 }],
  [
    "with penalties",
    {
      ...greedy,
      temperature: 0.9,
      penalties: { repetition: { value: 1.3, context: 20 }, frequency: { value: 0.2, context: 5 } },
    },
  ],
  ["with XTC", { ...greedy, temperature: 1, xtc: { probability: 0.5, threshold: 0.02, exempt: [] } }],
];

describe.each([
  ["our kernels", true],
  ["MLX's operations", false],
])("texts together by %s", (_, kernels) => {
  test.each(samplings)("are what each is alone with the seed: %s", async (_name, sampling) => {
    useCpuKernels(kernels);
    const found = await together({ sampling }, { joins: [0, 3, 1, 3] });
    for (const [text, ids] of found.entries()) expect(ids).toEqual(await alone(sampling, text));
  });
});

test("texts end when the caller says, and the others go on as before", async () => {
  const whole = await together();
  const lengths = [3, 1, 12, 7];
  expect(await together({}, { lengths })).toEqual(whole.map((ids, text) => ids.slice(0, lengths[text])));
});

test("prompts in small parts, few texts at a time, and few pages change no text", async () => {
  const whole = await together();
  expect(await together({ prefillStepSize: 2 })).toEqual(whole);
  expect(await together({ maxTexts: 1 })).toEqual(whole);
  expect(await together({ maxPages: 2 })).toEqual(whole);
});

test("texts that outgrow the cache wait for each other and come out the same", async () => {
  const maxTokens = 300;
  const sampling = { ...greedy, temperature: 0.9, penalties: { repetition: { value: 1.2, context: 20 } } };
  const whole = await together({ sampling, maxTokens });
  expect(whole.map(({ length }) => length)).toEqual(prompts.map(() => maxTokens));
  expect(await together({ sampling, maxTokens, maxPages: 5 })).toEqual(whole);
  expect(await together({ sampling, maxTokens, maxPages: 4, maxPrefixPages: 0 })).toEqual(whole);
});

test("all texts begin at once where each has room for its prompt, and one that waits again can be ended", async () => {
  const scheduler = new BatchScheduler(model, { maxPages: 4 });
  const texts = prompts.map((prompt) => scheduler.add({ prompt, sampling: greedy, maxTokens: 200, seed: 1 }));
  await scheduler.step();
  expect(scheduler.runningTexts).toBe(4);
  for (let step = 0; scheduler.waitingTexts === 0 && step < 200; step++) await scheduler.step();
  expect(scheduler.runningTexts + scheduler.waitingTexts).toBe(4);
  for (const text of texts) scheduler.end(text);
  await scheduler.step();
  expect(scheduler.isIdle).toBe(true);
  scheduler.dispose();
});

const strange = toyModel("llama", { num_hidden_layers: 1 }, 9);

describe.each([
  ["the model itself", model],
  ["another model", strange],
])("drafts of %s", (_, draft) => {
  test.each(samplings)("change no text: %s", async (_name, sampling) => {
    const options = { sampling, maxTokens: 40 };
    const whole = await together(options, { joins: [0, 3, 1, 3] });
    const drafted = { ...options, draft: { model: draft, tokens: 3 } };
    expect(await together(drafted, { joins: [0, 3, 1, 3] })).toEqual(whole);
    expect(await together({ ...drafted, prefillStepSize: 2, maxPages: 2 })).toEqual(whole);
    expect(await together({ ...drafted, minTokens: 2 }, { lengths: [3, 1, 12, 7] })).toEqual(
      whole.map((ids, text) => ids.slice(0, [3, 1, 12, 7][text])),
    );
  });
});

test("what a draft guesses right comes several tokens a pass, after it has caught up with the prompt", async () => {
  const prompt = Array.from({ length: 50 }, (_, i) => (i * 7) % 20);
  const scheduler = new BatchScheduler(model, { maxPages: 8, draft: { model, tokens: 4 }, prefillStepSize: 20 });
  scheduler.add({ prompt, sampling: greedy, maxTokens: 41, seed: 1 });
  const steps: number[] = [];
  while (!scheduler.isIdle) steps.push((await scheduler.step()).length);
  // Three for the prompt, of which the last gives a token; three more in which the draft follows; then guesses.
  expect(steps.slice(0, 7)).toEqual([0, 0, 1, 1, 1, 1, 5]);
  expect(steps.reduce((sum, count) => sum + count, 0)).toBe(41);
  expect(scheduler.counts.acceptedTokens).toBe(scheduler.counts.guessedTokens);
  scheduler.dispose();
});
