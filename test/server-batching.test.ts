import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomFrom } from "./random.ts";
import { type StartedServer, startServer, tinyAdapters } from "./started-server.ts";

const adapters = tinyAdapters(["swan", "duck", "goose"], { goose: "dora" });
const models = ["base", "base:swan", "base:duck", "base:goose"];
/** One that is asked many things at once, and one that is asked the same one by one and keeps nothing of it. */
let crowded: StartedServer;
let quiet: StartedServer;
beforeAll(async () => {
  const args = ["--adapters", adapters, "--dtype", "float32"];
  crowded = await startServer([...args, "--prefill-step-size", "64"]);
  quiet = await startServer([...args, "--prompt-cache-bytes", "0GB"]);
});
afterAll(async () => {
  await crowded.stop();
  await quiet.stop();
  rmSync(adapters, { recursive: true });
});

const clientOf = ({ url }: StartedServer) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });

type Request = OpenAI.ChatCompletionCreateParamsNonStreaming;

/** The text of an answer, whole or streamed. */
async function textOf(server: StartedServer, request: Request, isStreamed: boolean): Promise<string> {
  const { completions } = clientOf(server).chat;
  if (!isStreamed) return (await completions.create(request)).choices[0]?.message.content ?? "";
  let text = "";
  for await (const { choices } of await completions.create({ ...request, stream: true }))
    text += choices[0]?.delta.content ?? "";
  return text;
}

test("64 requests at once get the answers that each gets alone", { timeout: 240_000 }, async () => {
  const random = randomFrom(64);
  const words = ["hello", "who are you?", "你好", "什么是量化", "a swan", "2 + 2 =", "Tell me more."];
  // Few candidates: among thousands, as these adapters have them, rounding decided one of 600 draws.
  const samplers: object[] = [
    { temperature: 0 },
    { temperature: 0.7, top_k: 4 },
    { temperature: 1, top_k: 8, top_p: 0.9 },
    { temperature: 1.2, top_k: 6, min_p: 0.02 },
    { temperature: 0, repetition_penalty: 1.3, frequency_penalty: 0.5 },
  ];
  const requests = Array.from({ length: 64 }, (_, i): Request => {
    const text = Array.from({ length: random.pick([1, 3, 10, 40, 150]) }, () => random.pick(words)).join(" ");
    return {
      model: models[i % models.length] ?? "",
      messages: [{ role: "user", content: `${i}. ${text}` }],
      max_tokens: random.integer(1, 32),
      seed: i,
      ...random.pick(samplers),
    };
  });
  const waits = requests.map(() => random.integer(0, 400));
  const together = await Promise.all(
    requests.map(async (request, i) => {
      await setTimeout(waits[i]);
      return textOf(crowded, request, i % 3 === 0);
    }),
  );
  expect(new Set(together).size).toBeGreaterThan(40);
  for (const [i, request] of requests.entries()) {
    expect(together[i], JSON.stringify(request)).toBe(await textOf(quiet, request, false));
  }
});

test("what is known of a prompt is known for its adapter only", async () => {
  const prompt = `A long prompt that begins like no other. ${"The swan swims on the lake. ".repeat(40)}`;
  const ask = async (server: StartedServer, model: string) => {
    const { choices, usage } = await clientOf(server).completions.create({ model, prompt, max_tokens: 16 });
    return {
      text: choices[0]?.text,
      cached: usage?.prompt_tokens_details?.cached_tokens,
      tokens: usage?.prompt_tokens,
    };
  };
  const first = [];
  for (const model of models) first.push(await ask(crowded, model));
  expect(first.map(({ cached }) => cached)).toEqual([0, 0, 0, 0]);
  expect(new Set(first.map(({ text }) => text)).size).toBe(models.length);
  for (const [i, model] of models.entries()) {
    const { text, cached, tokens } = await ask(crowded, model);
    expect(text).toBe(first[i]?.text);
    expect(text).toBe((await ask(quiet, model)).text);
    expect(cached).toBeGreaterThan((tokens ?? 0) - 10); // the last few may be computed again
  }
});
