import { rmSync } from "node:fs";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type StartedServer, startServer, tinyAdapters } from "./started-server.ts";

const adapters = tinyAdapters(["swan", "duck"]);
let server: StartedServer;
let openai: OpenAI;
beforeAll(async () => {
  server = await startServer(["--adapters", adapters, "--max-tokens", "24", "--dtype", "float32"]);
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  expect(await server.stop()).toMatchObject({ status: 130 });
  rmSync(adapters, { recursive: true });
});

const model = "base";
const messages = [{ role: "user" as const, content: "hello" }];

describe("the OpenAI client", () => {
  test("gets a chat answer, whole and streamed, with the same text, usage and logprobs", async () => {
    const options = { model, messages, logprobs: true, top_logprobs: 2 };
    const whole = await openai.chat.completions.create(options);
    const [choice] = whole.choices;
    expect(choice?.message.content).toMatch(/Hello/);
    expect(choice?.finish_reason).toBe("stop");
    const stream = await openai.chat.completions.create({
      ...options,
      stream: true,
      stream_options: { include_usage: true },
    });
    const found = { text: "", tokens: "", finish: [] as string[], usage: [] as unknown[] };
    for await (const { choices, usage } of stream) {
      if (usage) found.usage.push(usage);
      for (const { delta, finish_reason, logprobs } of choices) {
        found.text += delta.content ?? "";
        if (finish_reason) found.finish.push(finish_reason);
        for (const { token, top_logprobs, logprob } of logprobs?.content ?? []) {
          found.tokens += token;
          expect(top_logprobs).toHaveLength(2);
          expect(top_logprobs[0]?.logprob).toBeCloseTo(logprob, 3); // greedy
        }
      }
    }
    expect(found.text).toBe(choice?.message.content);
    expect(found.tokens).toBe(found.text);
    expect(found.finish).toEqual(["stop"]);
    expect(choice?.logprobs?.content?.map(({ token }) => token).join("")).toBe(found.text);
    expect(found.usage).toEqual([{ ...whole.usage, prompt_tokens_details: { cached_tokens: expect.any(Number) } }]);
  });

  test("gets several choices, each with its own seed, and the same again", async () => {
    const ask = () =>
      openai.chat.completions.create({ model, messages, n: 3, seed: 4, temperature: 3, max_tokens: 12 });
    const texts = (await ask()).choices.map(({ message }) => message.content);
    expect(new Set(texts).size).toBe(3);
    expect((await ask()).choices.map(({ message }) => message.content)).toEqual(texts);
  });

  test("stops where it is told, and not before it may", async () => {
    const { choices } = await openai.chat.completions.create({ model, messages, stop: ["can"] });
    expect([choices[0]?.message.content, choices[0]?.finish_reason]).toEqual([expect.stringMatching(/How $/), "stop"]);
    const long = await openai.chat.completions.create({ model, messages, max_tokens: 15, ...{ ignore_eos: true } });
    expect([long.usage?.completion_tokens, long.choices[0]?.finish_reason]).toEqual([15, "length"]);
  });

  test("completes texts and token ids, several at a time", async () => {
    const one = await openai.completions.create({ model, prompt: ["hello", "你好"], max_tokens: 5, n: 2 });
    expect(one.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const ids = await openai.completions.create({ model, prompt: [5, 9, 41], max_tokens: 5 });
    expect(ids.usage?.prompt_tokens).toBe(3);
  });

  test("scores a text that it sends back", async () => {
    const { choices } = await openai.completions.create({
      model,
      prompt: "hello there",
      echo: true,
      max_tokens: 0,
      logprobs: 2,
    });
    const [{ text = "", logprobs = null } = {}] = choices;
    expect(text).toBe("hello there");
    expect(logprobs?.tokens?.join("")).toBe(text);
    expect(logprobs?.token_logprobs?.[0]).toBeNull();
    expect(logprobs?.token_logprobs?.slice(1).every((value) => value < 0)).toBe(true);
    expect(logprobs?.text_offset).toEqual([0, 5]);
    expect(Object.keys(logprobs?.top_logprobs?.[1] ?? {})).toHaveLength(2);
  });

  test("embeds texts: alike are near, and what is near does not depend on the form", async () => {
    const { data } = await openai.embeddings.create({ model, input: ["hello", "hello!", "什么是量化"] });
    const [a = [], b = [], c = []] = data.map(({ embedding }) => embedding);
    const cosine = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
    expect(cosine(a, a)).toBeCloseTo(1, 2);
    expect(cosine(a, b)).toBeGreaterThan(cosine(a, c));
    const plain = await openai.embeddings.create({ model, input: "hello", encoding_format: "float" });
    for (const [i, value] of (plain.data[0]?.embedding ?? []).entries()) expect(value).toBeCloseTo(a[i] ?? 0, 5);
  });

  test("lists models and adapters, and finds one", async () => {
    const names: string[] = [];
    for await (const { id } of openai.models.list()) names.push(id);
    expect(names.filter((name) => name.includes(":")).map((name) => name.split(":").at(-1))).toEqual(["duck", "swan"]);
    expect((await openai.models.retrieve(names[0] ?? "")).id).toBe(names[0]);
    await expect(openai.models.retrieve("none")).rejects.toMatchObject({ status: 404 });
  });
});

describe("the Anthropic client", () => {
  const request = { model, max_tokens: 24, messages: [{ role: "user" as const, content: "hello" }] };

  test("gets a message, whole and streamed, and counts tokens", async () => {
    const anthropic = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
    const whole = await anthropic.messages.create(request);
    expect(whole.content).toEqual([{ type: "text", text: expect.stringMatching(/Hello/) }]);
    expect(whole.stop_reason).toBe("end_turn");
    const streamed = await anthropic.messages.stream(request).finalMessage();
    expect([streamed.content, streamed.stop_reason]).toMatchObject([whole.content, "end_turn"]);
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
    const { input_tokens } = await anthropic.messages.countTokens(request);
    expect(input_tokens).toBe(whole.usage.input_tokens + (whole.usage.cache_read_input_tokens ?? 0));
    const stopped = await anthropic.messages.create({ ...request, stop_sequences: ["can"] });
    expect([stopped.stop_reason, stopped.stop_sequence]).toEqual(["stop_sequence", "can"]);
    const short = await anthropic.messages.create({ ...request, max_tokens: 2 });
    expect(short.stop_reason).toBe("max_tokens");
  });

  test("gives instructions and earlier turns as blocks", async () => {
    const anthropic = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
    const blocks = await anthropic.messages.countTokens({
      ...request,
      system: [{ type: "text", text: "Be brief." }],
      messages: [
        { role: "user", content: [{ type: "text", text: "hello" }] },
        { role: "assistant", content: [{ type: "text", text: "Hello!" }] },
        { role: "user", content: "who are you?" },
      ],
    });
    expect(blocks.input_tokens).toBeGreaterThan(20);
  });

  test("may have instructions between messages, as Claude Code sends them", async () => {
    const count = async (...messages: readonly object[]) => {
      const body = JSON.stringify({ model, messages });
      const answer = await fetch(`${server.url}/v1/messages/count_tokens?beta=true`, { method: "POST", body });
      return z.object({ input_tokens: z.int() }).parse(await answer.json()).input_tokens;
    };
    const between = { role: "system", content: [{ type: "text", text: "Be brief." }] };
    const joined = await count({ role: "user", content: "hello\n\nBe brief." });
    expect(await count({ role: "user", content: "hello" }, between)).toBe(joined);
    expect(await count(between)).toBe(await count({ role: "user", content: "Be brief." }));
    expect(await fetch(server.url, { method: "HEAD" })).toMatchObject({ status: 200 });
  });
});

describe("the Ollama client", () => {
  test("generates, chats and embeds, whole and streamed", async () => {
    const ollama = new Ollama({ host: server.url });
    const options = { temperature: 0, num_predict: 20 };
    const chat = await ollama.chat({ model, messages, options });
    expect(chat).toMatchObject({
      message: { content: expect.stringMatching(/Hello/) },
      done: true,
      done_reason: "stop",
    });
    let streamed = "";
    for await (const part of await ollama.chat({ model, messages, options, stream: true })) {
      streamed += part.message.content;
    }
    expect(streamed).toBe(chat.message.content);
    const generated = await ollama.generate({ model, prompt: "hello", options });
    expect(generated).toMatchObject({ response: chat.message.content, prompt_eval_count: chat.prompt_eval_count });
    const short = await ollama.generate({ model, prompt: "hello", raw: true, options: { num_predict: 2 } });
    expect(short).toMatchObject({ done_reason: "length", eval_count: 2 });
    const repeated = async (repeat_last_n: number) =>
      (await ollama.chat({ model, messages, options: { ...options, repeat_penalty: 1.5, repeat_last_n } })).message
        .content;
    expect(await repeated(0)).toBe(chat.message.content);
    expect(await repeated(-1)).toBe(await repeated(4000));
    const { embeddings } = await ollama.embed({ model, input: ["hello", "你好"] });
    expect(embeddings).toHaveLength(2);
  });

  test("looks around", async () => {
    const ollama = new Ollama({ host: server.url });
    const { models } = await ollama.list();
    expect(models[0]?.size).toBeGreaterThan(1e6);
    expect((await ollama.show({ model: models[0]?.name ?? "" })).capabilities).toContain("completion");
    expect((await ollama.ps()).models[0]?.name).toBe(models[0]?.name);
    expect((await ollama.version()).version).toMatch(/^\d+\.\d+/);
    await expect(ollama.chat({ model: "none", messages })).rejects.toThrow(/no model none/);
  });
});

describe("adapters", () => {
  const ask = async (name: string, content = "hello") => {
    const { choices } = await openai.chat.completions.create({ model: name, messages: [{ role: "user", content }] });
    return choices[0]?.message.content;
  };

  test("answer under their names, beside the base model, also at once", async () => {
    const names = ["base", "base:swan", "duck"];
    const alone: unknown[] = [];
    for (const name of names) alone.push(await ask(name));
    expect(new Set(alone).size).toBe(3);
    const many = Array.from({ length: 24 }, (_, i) => names[i % 3] ?? "");
    expect(await Promise.all(many.map((name) => ask(name)))).toEqual(many.map((name) => alone[names.indexOf(name)]));
    expect(await Promise.all(names.map((name) => ask(name)))).toEqual(alone);
  });

  test("come and go while the server runs", async () => {
    const post = async (path: string, body: unknown) =>
      (await fetch(`${server.url}${path}`, { method: "POST", body: JSON.stringify(body) })).status;
    const answer = await ask("base:swan");
    expect(await post("/v1/load_lora_adapter", { lora_name: "other", lora_path: join(adapters, "swan") })).toBe(200);
    expect(await ask("base:other")).toBe(answer);
    expect(await post("/v1/unload_lora_adapter", { lora_name: "other" })).toBe(200);
    await expect(ask("base:other")).rejects.toMatchObject({ status: 404 });
    expect(await post("/v1/load_lora_adapter", { lora_name: "none", lora_path: "/nowhere" })).toBe(400);
  });
});

describe("what is wrong is told, and harms nobody", () => {
  const ErrorBody = z.object({ error: z.object({ message: z.string(), code: z.string() }) });
  const send = async (path: string, body: string | Uint8Array<ArrayBuffer>) => {
    const response = await fetch(`${server.url}${path}`, { method: "POST", body });
    return [response.status, ErrorBody.parse(await response.json()).error.message] as const;
  };
  const chat = "/v1/chat/completions";
  const json = (body: object) => JSON.stringify(body);

  test.each([
    ["broken JSON", chat, "{", 400, /not JSON/],
    ["invalid UTF-8", chat, new Uint8Array([0x7b, 0xff, 0x7d]), 400, /not JSON/],
    ["an empty prompt", "/v1/completions", json({ prompt: "" }), 400, /no tokens/],
    ["no messages", chat, json({ messages: [] }), 400, /messages/],
    ["a wrong type", chat, json({ messages, temperature: "hot" }), 400, /temperature: .*number/],
    ["a wrong number", chat, json({ messages, top_p: 3 }), 400, /top_p/],
    ["an unknown model", chat, json({ model: "none", messages }), 404, /no model none here/],
    ["a token outside the vocabulary", "/v1/completions", json({ prompt: [1e6] }), 400, /token 1000000/],
    ["a bias outside the vocabulary", chat, json({ messages, logit_bias: { 999999: 1 } }), 400, /999999/],
    ["a picture", chat, json({ messages: [{ role: "user", content: [{ type: "image_url" }] }] }), 400, /image_url/],
    ["a long prompt", "/v1/completions", json({ prompt: "word ".repeat(70_000) }), 400, /context ends/],
    ["a large body", chat, " ".repeat(10 * 2 ** 20), 413, /8 MB/],
  ])("%s", async (_, path, body, status, message) => {
    expect(await send(path, body)).toEqual([status, expect.stringMatching(message)]);
  });

  test("an unknown route", async () => {
    expect((await fetch(`${server.url}/v2/chat`)).status).toBe(404);
  });

  test("what kills other servers: top_k beyond the vocabulary, a prompt that is known already", async () => {
    const body = { model, messages, top_k: 10_000_000, temperature: 1, max_tokens: 4 };
    for (let i = 0; i < 2; i++) {
      const response = await fetch(`${server.url}${chat}`, { method: "POST", body: json(body) });
      expect(response.status).toBe(200);
    }
  });

  test("clients that leave in the middle free their place", async () => {
    for (let i = 0; i < 20; i++) {
      const abort = new AbortController();
      const body = json({ model, messages, stream: true, max_tokens: 4000, ignore_eos: true });
      const response = await fetch(`${server.url}${chat}`, { method: "POST", body, signal: abort.signal });
      if (i % 2 === 0) await response.body?.getReader().read();
      abort.abort();
    }
    await expect
      .poll(
        async () => (await (await fetch(`${server.url}/metrics`)).text()).match(/requests_running\{.*\} (\d+)/)?.[1],
        {
          timeout: 10_000,
        },
      )
      .toBe("0");
  });
});

test("a server with a key asks for it", async () => {
  const closed = await startServer(["--api-key", "secret"]);
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${closed.url}/v1/models`, { headers })).status;
  expect(await status({})).toBe(401);
  expect(await status({ authorization: "Bearer wrong" })).toBe(401);
  expect(await status({ authorization: "Bearer secret" })).toBe(200);
  expect(await status({ "x-api-key": "secret" })).toBe(200);
  await closed.stop();
});
