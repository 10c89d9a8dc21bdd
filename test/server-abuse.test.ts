import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { randomFrom } from "./random.ts";
import { type StartedServer, startServer } from "./started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  server = await startServer(["--max-tokens", "8", "--dtype", "float32"]);
});
afterAll(() => server.stop());

const model = "base";
const messages = [{ role: "user", content: "hello" }];
/** A good request for every route that answers with text. */
const good: Record<string, object> = {
  "/v1/chat/completions": { model, messages },
  "/v1/completions": { model, prompt: "hello" },
  "/v1/responses": { model, input: "hello" },
  "/v1/messages": { model, messages, max_tokens: 8 },
  "/api/chat": { model, messages },
  "/api/generate": { model, prompt: "hello" },
};
const answering = Object.keys(good);

async function send(path: string, body: unknown): Promise<{ status: number; text: string }> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(`${server.url}${path}`, { method: "POST", body: isRaw ? body : JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
}

const Completion = z.object({
  choices: z.array(z.object({ text: z.string() })),
  usage: z.object({ prompt_tokens_details: z.object({ cached_tokens: z.number() }) }),
});

async function completion(body: object): Promise<z.infer<typeof Completion>> {
  const { status, text } = await send("/v1/completions", { model, max_tokens: 8, temperature: 0, ...body });
  expect(status, text).toBe(200);
  return Completion.parse(JSON.parse(text));
}

describe("what kills mlx-lm's server", () => {
  const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
  const bodies: [string, string | Uint8Array<ArrayBuffer>, number][] = [
    ["nothing", "", 400],
    ["broken JSON", '{"model": "base",', 400],
    ["invalid UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 400],
    ["null", "null", 400],
    ["a list", "[]", 400],
    ["a text", '"hello"', 400],
    ["deep nesting", "[".repeat(100_000), 400],
    ["10 MB", JSON.stringify({ model, prompt: "x".repeat(10 * 2 ** 20) }), 413],
  ];

  test.each(bodies)("%s instead of a request is refused by every route", async (_, body, status) => {
    const { paths } = Document.parse(await (await fetch(`${server.url}/openapi.json`)).json());
    const routes = Object.keys(paths).filter((path) => paths[path]?.post);
    expect(routes).toEqual(expect.arrayContaining(answering));
    for (const path of routes) expect([path, (await send(path, body)).status]).toEqual([path, status]);
  });

  test.each(answering)("%s: unknown models, wrong types and top_k above the vocabulary", async (path) => {
    const request = good[path] ?? {};
    expect(await send(path, { ...request, model: "none" })).toEqual({
      status: 404,
      text: expect.stringMatching(/no model none/),
    });
    for (const wrong of [
      { model: 3 },
      { stream: "yes" },
      { messages: 3, prompt: 3, input: 3 },
      { temperature: -1, options: { temperature: -1 } },
    ]) {
      expect([wrong, (await send(path, { ...request, ...wrong })).status]).toEqual([wrong, 400]);
    }
    const most = { top_k: 10_000_000, temperature: 1 };
    expect(await send(path, { ...request, ...most, options: most })).toMatchObject({ status: 200 });
  });

  test.each([
    ["/v1/completions", { prompt: "" }],
    ["/v1/completions", { prompt: [] }],
    ["/v1/completions", { prompt: [[]] }],
    ["/v1/completions", { prompt: ["hello", ""] }],
    ["/v1/embeddings", { input: "" }],
    ["/v1/embeddings", { input: [] }],
    ["/v1/chat/completions", { messages: [] }],
    ["/v1/messages", { messages: [], max_tokens: 8 }],
    ["/v1/responses", { input: [] }],
  ])("%s: the empty prompt %j is refused", async (path, body) => {
    expect((await send(path, { model, ...body })).status).toBe(400);
  });

  test("values that are nested deeply harm nobody", async () => {
    const lists = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
    const fields = ["metadata", "tools", "format", "response_format", "chat_template_kwargs", "stop", "text"];
    for (const path of answering) {
      const start = JSON.stringify(good[path]).slice(0, -1);
      for (const field of fields) {
        for (const value of [lists(200), objects(200), lists(100_000), objects(100_000)]) {
          const { status } = await send(path, `${start},"${field}":${value}}`);
          const isTooDeep = value.length > 10_000;
          expect([path, field, status]).toEqual([path, field, isTooDeep ? 400 : expect.toBeOneOf([200, 400])]);
        }
      }
      const schema = `{"type":"json_schema","json_schema":{"schema":${objects(240)}}}`;
      const tools = `[{"type":"function","function":{"name":"f","parameters":${objects(240)}}}]`;
      const { status } = await send(path, `${start},"response_format":${schema},"tools":${tools}}`);
      expect([path, status]).toEqual([path, expect.toBeOneOf([200, 400])]);
    }
  });

  test("an empty message is one", async () => {
    const empty = { model, messages: [{ role: "user", content: "" }] };
    expect((await send("/v1/chat/completions", empty)).status).toBe(200);
  });

  test.each([1, 2, 127, 128, 129, 256, 300])(
    "a prompt of %i tokens that is known already, or begins one",
    async (n) => {
      const prompt = Array.from({ length: n }, (_, i) => 300 + ((7 * i + n) % 400));
      const [first, second] = [await completion({ prompt }), await completion({ prompt })];
      expect(second.choices[0]?.text).toBe(first.choices[0]?.text);
      // Fewer than eight tokens are computed again.
      expect(second.usage.prompt_tokens_details.cached_tokens).toBe(n > 8 ? n - 1 : 0);
      const longer = [...prompt, 300];
      expect((await completion({ prompt: longer })).choices).toEqual((await completion({ prompt: longer })).choices);
      if (n > 1) await completion({ prompt: prompt.slice(0, -1) });
    },
  );
});

describe("connections", () => {
  const opened = async (): Promise<Socket> => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {}); // a reset is the end of it too
    await once(socket, "connect");
    return socket;
  };
  const head = (path: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

  test("200 that are idle stay open, and others are answered", async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, opened));
    const closed = new Set<number>();
    for (const [i, socket] of sockets.entries()) {
      socket.once("close", () => closed.add(i));
      if (i % 2 === 0) continue; // a connection that nobody has used yet
      socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
      const [answer] = await once(socket, "data");
      expect(String(answer)).toMatch(/^HTTP\/1\.1 200[\s\S]*keep-alive: timeout=120/i);
    }
    const answers = await Promise.all(Array.from({ length: 20 }, () => completion({ prompt: "hello" })));
    expect(new Set(answers.map(({ choices }) => choices[0]?.text)).size).toBe(1);
    expect(closed.size).toBe(0);
    for (const socket of sockets) {
      socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
      const [answer] = await once(socket, "data");
      expect(String(answer)).toMatch(/^HTTP\/1\.1 200/);
      socket.destroy();
    }
  });

  test("that end at any moment free their place", async () => {
    const before = await completion({ prompt: "hello" });
    const random = randomFrom(7);
    const leave = async (i: number): Promise<void> => {
      const path = answering[i % answering.length] ?? "";
      const long = { max_tokens: 3000, ignore_eos: true, options: { num_predict: 3000 }, max_output_tokens: 3000 };
      const body = JSON.stringify({ ...good[path], stream: i % 4 !== 0, temperature: 1, ...long });
      const request = head(path, body.length) + body;
      const socket = await opened();
      // Half of them leave before the request is whole, the others while it is answered.
      const isCut = random.chance(0.5);
      socket.write(isCut ? request.slice(0, random.integer(0, request.length - 1)) : request);
      await setTimeout(random.integer(0, 120));
      if (random.chance(0.5)) socket.resetAndDestroy();
      else socket.destroy();
    };
    for (let round = 0; round < 8; round++) {
      await Promise.all(Array.from({ length: 24 }, (_, i) => leave(24 * round + i)));
    }
    const busy = async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      return [...text.matchAll(/^cygnet_requests_\w+\{.*\} (\d+)$/gm)].map(([, count]) => count);
    };
    await expect.poll(busy, { timeout: 20_000 }).toEqual(["0", "0"]);
    expect((await completion({ prompt: "hello" })).choices).toEqual(before.choices);
  });
});

/** The process that computes for the server. */
function workerOf({ pid }: StartedServer): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/status`));
  const worker = pids.find((each) => readFileSync(`/proc/${each}/status`, "utf8").includes(`PPid:\t${pid}\n`));
  if (worker === undefined) throw new Error("a server has a process that computes");
  return Number(worker);
}

test.skipIf(!existsSync("/proc"))("a killed process that computes is told of, and replaced", async () => {
  const before = await completion({ prompt: "hello" });
  const long = { model, prompt: "hello", max_tokens: 900, ignore_eos: true };
  const post = (body: object) => fetch(`${server.url}/v1/completions`, { method: "POST", body: JSON.stringify(body) });
  const streamed = await post({ ...long, stream: true });
  const whole = post(long);
  await setTimeout(100);
  process.kill(workerOf(server), "SIGKILL");
  expect(await streamed.text()).toMatch(/data: \{"error":.*engine\/crashed.*\}\n\n$/);
  const { status, headers } = await whole;
  expect([status, Number(headers.get("retry-after"))]).toEqual([503, expect.any(Number)]);
  expect((await completion({ prompt: "hello" })).choices).toEqual(before.choices);
});
