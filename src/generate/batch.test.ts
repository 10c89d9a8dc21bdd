import { afterEach, describe, expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { liveTensors } from "../core/memory.ts";
import * as random from "../core/random.ts";
import { type BatchOptions, generateBatch } from "./batch.ts";
import { generateTokens } from "./generate.ts";
import { greedy, type Sampling } from "./sampler.ts";

const model = toyModel("qwen3", { num_hidden_layers: 2 });
const prompts = [[3, 1, 4, 1, 5, 9, 2], [6], [5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4], [6, 2, 6]];

afterEach(() => useCpuKernels(true));

/** Each row's tokens; row i ends after lengths[i] of them. */
async function together(options: Partial<BatchOptions>, lengths: readonly number[] = []): Promise<number[][]> {
  const found: number[][] = prompts.map(() => []);
  const steps = generateBatch(model, prompts, { sampling: greedy, maxTokens: 12, seed: 5, ...options });
  let step = await steps.next();
  while (!step.done) {
    const ended = new Set<number>();
    for (const { row, id } of step.value) {
      found[row]?.push(id);
      if (found[row]?.length === lengths[row]) ended.add(row);
    }
    step = await steps.next(ended);
  }
  return found;
}

async function alone(sampling: Sampling, row: number, maxTokens = 12): Promise<number[]> {
  random.seed(5);
  const ids: number[] = [];
  for await (const { id } of generateTokens(model, prompts[row] ?? [], { sampling, maxTokens })) ids.push(id);
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
])("generateBatch by %s", (_, kernels) => {
  test.each(samplings)("rows together are what each is alone with the seed: %s", async (_name, sampling) => {
    useCpuKernels(kernels);
    const before = liveTensors();
    const found = await together({ sampling });
    for (const [row, ids] of found.entries()) expect(ids).toEqual(await alone(sampling, row));
    expect(liveTensors()).toBeLessThanOrEqual(before + 1); // this thread's own sequence
  });
});

test("rows end when the caller says, and the others go on as before", async () => {
  const whole = await together({});
  const lengths = [3, 1, 12, 7];
  expect(await together({}, lengths)).toEqual(whole.map((ids, row) => ids.slice(0, lengths[row])));
});

test("prompts computed in parts, no prompts, and an interruption", async () => {
  expect(await together({ prefillStepSize: 2 })).toEqual(await together({}));
  const steps = generateBatch(model, [], { sampling: greedy, maxTokens: 3, seed: 0 });
  expect((await steps.next()).value).toEqual([]);
  expect((await steps.next()).done).toBe(true);
  const controller = new AbortController();
  controller.abort();
  expect((await together({ signal: controller.signal })).flat()).toEqual([]);
});
