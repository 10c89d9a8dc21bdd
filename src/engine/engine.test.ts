import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { integers } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import { generateTokens } from "../generate/generate.ts";
import { greedy } from "../generate/sampler.ts";
import { loadModel } from "../models/load.ts";
import { Engine } from "./engine.ts";
import type { EngineToken, GenerateRequest } from "./messages.ts";

const tiny = join(import.meta.dirname, "../../assets/cygnet-tiny");
const request = (changes: Partial<GenerateRequest> = {}): GenerateRequest => ({
  prompt: [5, 9, 200, 41],
  sampling: greedy,
  seed: 1,
  maxTokens: 12,
  adapter: "",
  endIds: [],
  minTokens: 0,
  ...changes,
});

async function idsOf(stream: ReadableStream<EngineToken>): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of stream) ids.push(id);
  return ids;
}

const engine = new Engine({ memoryBytes: 2e9 });
beforeAll(() => engine.open("tiny", { folder: tiny }));
afterAll(() => engine.shutdown());

async function expected(prompt: readonly number[], maxTokens = 12): Promise<number[]> {
  const model = loadModel(tiny);
  const ids: number[] = [];
  for await (const { id } of generateTokens(model, prompt, { sampling: greedy, maxTokens })) ids.push(id);
  model.dispose();
  return ids;
}

test("texts of the other process are those of this one, many at a time", async () => {
  const prompts = Array.from({ length: 12 }, (_, i) => [5, 9 + i, 200, 41 + i]);
  const found = await Promise.all(prompts.map((prompt) => idsOf(engine.generate("tiny", request({ prompt })))));
  for (const [i, ids] of found.entries()) expect(ids).toEqual(await expected(prompts[i] ?? []));
});

test("a token that ends a text is the last, unless it comes too early", async () => {
  const whole = await expected(request().prompt);
  const end = whole[4] ?? 0;
  const first = whole.indexOf(end);
  expect(await idsOf(engine.generate("tiny", request({ endIds: [end] })))).toEqual(whole.slice(0, first + 1));
  const later = await idsOf(engine.generate("tiny", request({ endIds: [end], minTokens: first + 1 })));
  expect(later.slice(0, first)).toEqual(whole.slice(0, first));
  expect(later[first]).not.toBe(end);
});

test("a draft changes no text, and what it guessed is counted", async () => {
  const drafted = new Engine({ memoryBytes: 2e9 });
  await drafted.open("tiny", { folder: tiny, draft: { folder: tiny, tokens: 3 } });
  expect(await idsOf(drafted.generate("tiny", request()))).toEqual(await expected(request().prompt));
  await drafted.open("tiny", { folder: tiny }); // tells the counts
  const [{ guessedTokens = 0, acceptedTokens = 0 } = {}] = drafted.status.models;
  expect([guessedTokens, acceptedTokens]).toEqual([6, 6]);
  await drafted.shutdown();
});

test("a text that nobody reads any more ends", async () => {
  const reader = engine.generate("tiny", request({ maxTokens: 4000 })).getReader();
  await reader.read();
  await reader.cancel();
  await engine.embed("tiny", "", [1]); // commands are obeyed in order
  await idsOf(engine.generate("tiny", request({ maxTokens: 1 })));
  expect(engine.pendingCalls).toBe(0);
});

test("tokens of a given text are scored, and it has a direction", async () => {
  const tokens = request().prompt;
  const scores = await engine.score("tiny", "", tokens, 3);
  const model = loadModel(tiny);
  const logprobs = scope(() => {
    const logits = model
      .forward(integers(tokens, [1, tokens.length]))
      .astype("float32")
      .squeeze(0);
    return logits.subtract(logits.logsumexp(-1, true));
  });
  evaluate(logprobs);
  const rows = logprobs.toArray();
  const V = rows.length / tokens.length;
  expect(scores).toHaveLength(tokens.length - 1);
  for (const [i, { logprob, top }] of scores.entries()) {
    const row = rows.slice(i * V, (i + 1) * V);
    expect(logprob).toBeCloseTo(row[tokens[i + 1] ?? 0] ?? 0, 3);
    expect(top.map(({ logprob: each }) => each)).toEqual(top.map(({ id }) => expect.closeTo(row[id] ?? 0, 3)));
    expect(top[0]?.logprob).toBeCloseTo(Math.max(...row), 3);
  }
  const vector = await engine.embed("tiny", "", tokens);
  expect(Math.hypot(...vector)).toBeCloseTo(1, 3);
  logprobs.dispose();
  model.dispose();
});

describe("what goes wrong is told", () => {
  test("an unknown model, an unknown adapter, a text that is too long", async () => {
    await expect(idsOf(engine.generate("other", request()))).rejects.toThrow(/other was unloaded/);
    await expect(idsOf(engine.generate("tiny", request({ adapter: "x" })))).rejects.toThrow(/x is not loaded/);
    const long = Array.from({ length: 3e6 }, () => 5);
    await expect(idsOf(engine.generate("tiny", request({ prompt: long })))).rejects.toThrow(/the cache holds/);
    await expect(engine.open("none", { folder: "/nowhere" })).rejects.toThrow(/nowhere/);
    expect(await idsOf(engine.generate("tiny", request({ maxTokens: 3 })))).toHaveLength(3);
  });

  test("a process that is killed is started again with its models", async () => {
    const { pid } = engine;
    if (pid === undefined) throw new Error("the engine runs");
    const lost = idsOf(engine.generate("tiny", request({ maxTokens: 4000 })));
    const told = expect(lost).rejects.toThrow(/SIGKILL/);
    process.kill(pid, "SIGKILL");
    await told;
    expect(await idsOf(engine.generate("tiny", request()))).toEqual(await expected(request().prompt));
    expect([engine.restarts, engine.pid === pid]).toEqual([1, false]);
  });

  test("a model that does not fit is refused", async () => {
    const small = new Engine({ memoryBytes: 5e6 });
    await expect(small.open("tiny", { folder: tiny })).rejects.toThrow(/does not fit/);
    await small.shutdown();
  });
});
