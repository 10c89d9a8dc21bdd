import { createServer, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { LevelResult } from "../protocol/bench-result.ts";
import { Endpoint } from "./endpoint.ts";
import { type Level, runLoadTest } from "./load-test.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server of `answer`, which is told how many requests came before. */
async function serving(answer: (response: ServerResponse, index: number) => unknown): Promise<string> {
  let index = 0;
  const started = createServer((request, response) => {
    request.resume().on("end", () => void answer(response, index++));
  });
  server = started;
  await new Promise<void>((done) => started.listen(0, "127.0.0.1", done));
  const address = started.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

interface Options {
  warmUp?: number;
  totalTimeoutMs?: number;
}

async function measure(
  url: string,
  level: Level,
  { warmUp = 0, totalTimeoutMs = 60_000 }: Options = {},
): Promise<LevelResult> {
  const endpoint = new Endpoint({ url, connectTimeoutMs: 60_000, totalTimeoutMs });
  const prompts = { take: async (count: number) => Array.from({ length: count }, () => ({ text: "hi", tokens: 4 })) };
  const test = { endpoint, levels: [level], prompts, bodyOf: () => "{}", warmUp, seed: 1 };
  for await (const result of runLoadTest(test, () => {})) return result;
  throw new Error("a load test of one level has one result");
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const text = event({ choices: [{ delta: { content: "word" } }] });
const role = event({ choices: [{ delta: { role: "assistant", content: "" } }] });
const finish = event({ choices: [{ delta: {}, finish_reason: "stop" }] });
const usage = event({ choices: [], usage: { prompt_tokens: 4, completion_tokens: 6 } });
const done = "data: [DONE]\n\n";
const stream = { "content-type": "text/event-stream" };

/** Three chunks of two tokens each: the first after 60 ms, then one each 30 ms. */
async function slowAnswer(response: ServerResponse): Promise<void> {
  response.writeHead(200, stream).write(role);
  await sleep(60);
  response.write(text);
  for (let i = 0; i < 2; i++) {
    await sleep(30);
    response.write(text);
  }
  response.end(finish + usage + done);
}

describe("a server with known delays", { timeout: 60_000 }, () => {
  test("has the figures that follow from them", async () => {
    const level = await measure(await serving(slowAnswer), { parallel: 4, requests: 12 });
    expect(level).toMatchObject({
      requests: 12,
      succeeded: 12,
      prompt_tokens: 48,
      completion_tokens: 72,
      failures: [],
    });
    expect(level).toMatchObject({ counted_by_chunks: 0, other_prompt_lengths: 0 });
    // Delays are never shorter than asked for (timers round to a millisecond), but a busy machine makes them longer.
    expect(level.ttft_ms?.min).toBeGreaterThan(57);
    expect(level.itl_ms?.mean).toBeGreaterThan(28);
    expect(level.latency_ms?.min).toBeGreaterThan(115);
    const { ttft_ms, latency_ms, tpot_ms, duration_s } = level;
    expect(tpot_ms?.mean).toBeCloseTo(((latency_ms?.mean ?? 0) - (ttft_ms?.mean ?? 0)) / 5, 6);
    expect(level.output_tokens_per_second).toBeCloseTo(72 / duration_s, 6);
    expect(duration_s).toBeGreaterThan(0.345);
    expect(level.mean_concurrency).toBeGreaterThan(2);
    expect(level.mean_concurrency).toBeLessThanOrEqual(4.01);
  });

  test("gets requests of an open loop at their rate, not one after the other", async () => {
    const level = await measure(await serving(slowAnswer), { rate: 100, requests: 30 });
    expect(level).toMatchObject({ parallel: null, rate: 100, succeeded: 30 });
    expect(level.lateness_ms?.min).toBeGreaterThanOrEqual(0);
    expect(level.mean_concurrency).toBeGreaterThan(3); // 0.12 s each; one after the other would take 3.6 s
    const starts = level.records.map(({ start_ms }) => start_ms);
    expect([...starts].sort((a, b) => a - b)).toEqual(starts);
  });

  test("keeps its connections: as many as clients, whatever the number of requests", async () => {
    const url = await serving((response) => response.writeHead(200, stream).end(text + finish + usage + done));
    const sockets = new Set<unknown>();
    server?.on("connection", (socket) => sockets.add(socket));
    const level = await measure(url, { parallel: 3, requests: 60 }, { warmUp: 3 });
    expect(level.succeeded).toBe(60);
    expect(sockets.size).toBe(3);
  });
});

describe("tokens", () => {
  test("are counted by chunks only where the server gives no usage, and the result says so", async () => {
    const url = await serving((response) => response.writeHead(200, stream).end(role + text + text + finish + done));
    const level = await measure(url, { parallel: 1, requests: 2 });
    expect(level).toMatchObject({ counted_by_chunks: 2, completion_tokens: 4, prompt_tokens: 0 });
  });

  test("of an answer that is not streamed come from its usage, without a time to first token", async () => {
    const answer = { choices: [{ message: { content: "hi" } }], usage: { prompt_tokens: 3, completion_tokens: 2 } };
    const url = await serving((response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)),
    );
    const level = await measure(url, { parallel: 1, requests: 2 });
    expect(level).toMatchObject({ succeeded: 2, completion_tokens: 4, ttft_ms: null, other_prompt_lengths: 2 });
  });
});

describe("failures are counted and told", () => {
  test("of a server that is not there", async () => {
    const level = await measure("http://127.0.0.1:9", { parallel: 2, requests: 4 });
    expect(level).toMatchObject({ succeeded: 0, success_rate: 0 });
    expect(level.failures).toMatchObject([{ kind: "refused", count: 4, status: null }]);
  });

  test("of a server that is busy (429) or broken (500), with its words and Retry-After", async () => {
    const url = await serving((response, index) => {
      const status = [429, 429, 500][index];
      if (status === undefined) return response.writeHead(200, stream).end(text + finish + usage + done);
      const headers = status === 429 ? { "retry-after": "7" } : {};
      return response.writeHead(status, headers).end(JSON.stringify({ error: { message: `no ${status}` } }));
    });
    const level = await measure(url, { parallel: 1, requests: 10 });
    expect(level.success_rate).toBe(0.7);
    expect(level.failures).toEqual([
      { kind: "status", status: 429, message: "no 429", retry_after_s: 7, count: 2 },
      { kind: "status", status: 500, message: "no 500", retry_after_s: null, count: 1 },
    ]);
  });

  test("none of a kept connection that the server closes as the next request comes", async () => {
    const used = new Set<unknown>();
    const url = await serving((response) => {
      const { socket } = response;
      if (used.has(socket)) return socket?.destroy();
      used.add(socket);
      return response.writeHead(200, stream).end(text + finish + usage + done);
    });
    const level = await measure(url, { parallel: 1, requests: 5 });
    expect(level).toMatchObject({ succeeded: 5, failures: [] });
    expect(used.size).toBe(5);
  });

  test("of a stream that breaks off, by a closed socket, a missing end or an error in it", async () => {
    const url = await serving((response, index) => {
      response.writeHead(200, stream).write(text);
      if (index === 0) setTimeout(() => response.destroy(), 20);
      else response.end(index === 1 ? "" : event({ error: { message: "out of memory" } }));
    });
    const level = await measure(url, { parallel: 1, requests: 3 });
    expect(level).toMatchObject({ succeeded: 0, failures: [{ kind: "stream", count: 3 }] });
    expect(level.records[2]?.failure?.message).toBe("out of memory");
  });

  test("of an answer that takes too long, and of one that is no answer of the API", async () => {
    const url = await serving((response, index) => {
      if (index === 0) response.writeHead(200, stream).write(text);
      else response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");
    });
    const level = await measure(url, { parallel: 1, requests: 2 }, { totalTimeoutMs: 200 });
    expect(level.records[0]?.failure).toMatchObject({ kind: "timeout", message: "0.2 s" });
    expect(level.records[0]?.latency_ms).toBeGreaterThan(190);
    expect(level.records[1]?.failure).toMatchObject({ kind: "answer", message: "<h1>Welcome</h1>" });
  });

  test("before the test begins, where the warm-up finds that nothing is answered", async () => {
    const error = measure("http://127.0.0.1:9", { parallel: 1, requests: 4 }, { warmUp: 1 });
    await expect(error).rejects.toThrow(/does not answer: connection refused/);
  });
});

test("an address may be a server, its /v1, or an endpoint, and the API that is asked for wins", () => {
  const options = { connectTimeoutMs: 1, totalTimeoutMs: 1 };
  const at = (url: string, api?: "chat" | "completions") => new Endpoint({ ...options, url, api }).url.href;
  expect(at("127.0.0.1:8080")).toBe("http://127.0.0.1:8080/v1/chat/completions");
  expect(at("http://host/api/v1/", "completions")).toBe("http://host/api/v1/completions");
  expect(at("https://host/v1/completions")).toBe("https://host/v1/completions");
  expect(at("https://host/v1/chat/completions", "completions")).toBe("https://host/v1/completions");
  expect(() => at("ftp://host")).toThrow(/is no address of a server/);
});
