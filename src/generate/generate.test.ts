import { describe, expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { liveTensors } from "../core/memory.ts";
import { integers } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { scope } from "../core/scope.ts";
import { type GeneratedToken, type GenerateOptions, generateTokens } from "./generate.ts";
import { greedy, type Sampling } from "./sampler.ts";

const model = toyModel("qwen3", { num_hidden_layers: 2 });
const prompt = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
const sampled: Sampling = { ...greedy, temperature: 1.5, topP: 0.95 };

async function tokens(
  options: Partial<GenerateOptions> = {},
  ids: readonly number[] = prompt,
): Promise<GeneratedToken[]> {
  const all: GeneratedToken[] = [];
  for await (const token of generateTokens(model, ids, { sampling: greedy, maxTokens: 8, ...options })) all.push(token);
  return all;
}
const idsOf = (found: readonly GeneratedToken[]) => found.map(({ id }) => id);

/** The greedy continuation by whole forward passes, with log-softmax in float64. */
function plainGreedy(count: number): GeneratedToken[] {
  const ids = [...prompt];
  return Array.from({ length: count }, () => {
    const logits = scope(() => model.forward(integers(ids, [1, ids.length])).at(1, -1)).toArray();
    const id = logits.indexOf(Math.max(...logits));
    ids.push(id);
    const total = logits.reduce((sum, each) => sum + Math.exp(each), 0);
    return { id, logprob: (logits[id] ?? 0) - Math.log(total) };
  });
}

describe("generateTokens", () => {
  test("greedy tokens and their logprobs are those of whole forward passes", async () => {
    const expected = plainGreedy(20);
    const found = await tokens({ maxTokens: 20 });
    expect(idsOf(found)).toEqual(idsOf(expected));
    for (const [i, { logprob }] of found.entries()) expect(logprob).toBeCloseTo(expected[i]?.logprob ?? Number.NaN, 4);
  });

  test.each([1, 2, 3, 5, 10, 11])("a prompt computed %i tokens at a time gives the same", async (prefillStepSize) => {
    expect(idsOf(await tokens({ prefillStepSize }))).toEqual(idsOf(await tokens()));
  });

  test("the likeliest tokens come with each, best first", async () => {
    const found = await tokens({ sampling: { ...sampled, topLogprobs: 5 }, maxTokens: 6 });
    for (const { top = [], id, logprob } of found) {
      expect(top).toHaveLength(5);
      expect(top.map((each) => each.logprob)).toEqual(top.map((each) => each.logprob).sort((a, b) => b - a));
      expect(top.find((each) => each.id === id)?.logprob ?? logprob).toBeCloseTo(logprob, 4);
      expect(logprob).toBeLessThanOrEqual((top[0]?.logprob ?? 0) + 1e-4);
    }
  });

  test("the same seed gives the same tokens, another one others", async () => {
    const run = async (seed: number) => {
      random.seed(seed);
      return idsOf(await tokens({ sampling: sampled, maxTokens: 30 }));
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  test.each([0, 1, 2])("maxTokens %i is respected", async (maxTokens) => {
    expect(await tokens({ maxTokens })).toHaveLength(maxTokens);
  });

  test("a prompt of one token is enough", async () => {
    expect(await tokens({ maxTokens: 3 }, [7])).toHaveLength(3);
  });

  test("a given cache is extended and goes on where it was", async () => {
    const whole = idsOf(await tokens({ maxTokens: 4 }));
    const cache = model.makeCache();
    const first = idsOf(await tokens({ maxTokens: 2, cache }));
    expect(cache[0]?.offset).toBe(prompt.length + 1);
    const second = idsOf(await tokens({ maxTokens: 2, cache }, first.slice(-1)));
    expect([...first, ...second]).toEqual(whole);
    for (const layer of cache) layer.dispose();
  });
});

describe("every way out frees what generation made", () => {
  const options: GenerateOptions = {
    sampling: { ...sampled, logitBias: new Map([[1, 0.5]]) },
    maxTokens: 50,
    prefillStepSize: 4,
  };
  const measured = async (body: () => Promise<void>) => {
    random.seed(1);
    const before = liveTensors();
    await body();
    expect(liveTensors()).toBe(before);
  };

  test("the end", () => measured(async () => void (await tokens(options))));

  test("leaving the loop", () =>
    measured(async () => {
      for await (const { id } of generateTokens(model, prompt, options)) if (id >= 0) break;
    }));

  test("an error in the loop", () =>
    measured(async () => {
      const failing = async () => {
        for await (const _ of generateTokens(model, prompt, options)) throw new Error("in the loop");
      };
      await expect(failing()).rejects.toThrow("in the loop");
    }));

  test("aborting, before the start and amid the answer", () =>
    measured(async () => {
      expect(await tokens({ ...options, signal: AbortSignal.abort() })).toEqual([]);
      const stop = new AbortController();
      let count = 0;
      for await (const _ of generateTokens(model, prompt, { ...options, signal: stop.signal })) {
        if (++count === 3) stop.abort();
      }
      expect(count).toBe(3);
    }));

  test("aborting amid the prompt computes no more of it", () =>
    measured(async () => {
      const cache = model.makeCache();
      const signal = AbortSignal.abort();
      expect(await tokens({ ...options, signal, cache, prefillStepSize: 1 })).toEqual([]);
      expect(cache.map((layer) => layer.offset)).toEqual(cache.map(() => 0));
    }));

  test("an error of the model", () =>
    measured(async () => {
      const broken = Object.create(model, {
        logits: {
          value: () => {
            throw new Error("in the model");
          },
        },
      });
      const failing = async () => {
        for await (const _ of generateTokens(broken, prompt, options)) break;
      };
      await expect(failing()).rejects.toThrow("in the model");
    }));
});
