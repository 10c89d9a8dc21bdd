import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type StartedServer, startServer } from "./started-server.ts";

let server: StartedServer;
beforeAll(async () => {
  // What is kept of prompts may grow to its limit: to be full by the middle, it is small here.
  server = await startServer(["--max-tokens", "4", "--prompt-cache-bytes", "0.02GB"]);
});
afterAll(() => server.stop());

/** The same numbers every time: xorshift32, Marsaglia 2003. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(2026);
const below = (count: number) => Math.floor(random() * count);
function oneOf<T>(...values: readonly [T, ...T[]]): T {
  return values[below(values.length)] ?? values[0];
}

const strange: [unknown, ...unknown[]] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  "",
  "x",
  "\u0000",
  "\ud800",
  "é漢字🦢",
  [],
  [[]],
  [null],
  {},
  { a: { b: [1] } },
  "NaN",
  2 ** 53,
];
const texts: [string, ...string[]] = [
  "hello",
  "你好，天鹅",
  " ",
  "<think>",
  "<|im_end|>",
  "a".repeat(500),
  "🦢".repeat(40),
  "\u0007",
];

/** A request that is right, but for what may be spoilt. */
function request(): [path: string, body: string] {
  const shared = {
    model: oneOf<unknown>("base", "default_model", undefined, "base:none", oneOf(...strange)),
    max_tokens: oneOf<unknown>(1, 2, 3, 0, oneOf(...strange)),
    temperature: oneOf<unknown>(0, 1, 2.5, undefined, oneOf(...strange)),
    top_k: oneOf<unknown>(undefined, 1, 10_000_000, oneOf(...strange)),
    top_p: oneOf<unknown>(undefined, 0, 1, 0.5, oneOf(...strange)),
    n: oneOf<unknown>(undefined, 1, 2, oneOf(...strange)),
    stream: oneOf<unknown>(undefined, true, false, oneOf(...strange)),
    stop: oneOf<unknown>(undefined, "e", ["a", "b"], "", [""], oneOf(...strange)),
    seed: oneOf<unknown>(undefined, 1, -5, oneOf(...strange)),
    logit_bias: oneOf<unknown>(undefined, { 5: 100 }, { 5: -1e9 }, { "-1": 1 }, oneOf(...strange)),
    presence_penalty: oneOf<unknown>(undefined, 1, -2, oneOf(...strange)),
    logprobs: oneOf<unknown>(undefined, true, 3, oneOf(...strange)),
    min_tokens: oneOf<unknown>(undefined, 2, 100, oneOf(...strange)),
  };
  const message = () => ({
    role: oneOf<unknown>("user", "system", "assistant", oneOf(...strange)),
    content: oneOf<unknown>(...texts, oneOf(...strange)),
  });
  const [path, body] = oneOf<readonly [string, object]>(
    [
      "/v1/chat/completions",
      {
        ...shared,
        messages: Array.from({ length: below(4) }, message),
        tools: oneOf<unknown>(undefined, oneOf(...strange)),
      },
    ],
    [
      "/v1/completions",
      {
        ...shared,
        prompt: oneOf<unknown>(...texts, [1, 2, 3], [5, 1e9], oneOf(...strange)),
        echo: oneOf<unknown>(undefined, true),
      },
    ],
    [
      "/v1/embeddings",
      {
        model: shared.model,
        input: oneOf<unknown>(...texts, [1, 2], oneOf(...strange)),
        dimensions: oneOf<unknown>(undefined, 3, oneOf(...strange)),
      },
    ],
    [
      "/v1/responses",
      {
        ...shared,
        max_output_tokens: shared.max_tokens,
        input: oneOf<unknown>(
          ...texts,
          [message()],
          [{ type: "reasoning", summary: [] }, message()],
          oneOf(...strange),
        ),
        text: oneOf<unknown>(undefined, { format: { type: "json_object" } }, oneOf(...strange)),
        previous_response_id: oneOf<unknown>(undefined, undefined, oneOf(...strange)),
      },
    ],
    ["/v1/messages", { ...shared, messages: Array.from({ length: below(4) }, message) }],
    [
      "/api/chat",
      {
        ...shared,
        messages: Array.from({ length: below(4) }, message),
        format: oneOf<unknown>(undefined, "json", { type: "integer" }, oneOf(...strange)),
        options: { num_predict: shared.max_tokens, top_k: shared.top_k, temperature: shared.temperature },
      },
    ],
    ["/api/generate", { ...shared, prompt: oneOf<unknown>(...texts, oneOf(...strange)), raw: oneOf(true, false) }],
  );
  const json = JSON.stringify(body);
  return [path, random() < 0.05 ? json.slice(0, below(json.length)) : json];
}

/** What the server's two processes take; 0 where the system does not say. */
function residentMegabytes(): number {
  const pids = existsSync("/proc") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  const all = pids.map((pid) => ({ pid: Number(pid), status: textOf(`/proc/${pid}/status`) }));
  const ours = all.filter(
    ({ pid, status }) => pid === server.pid || Number(/PPid:\s+(\d+)/.exec(status)?.[1]) === server.pid,
  );
  return ours.reduce((sum, { status }) => sum + Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000, 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const Answer = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) });

async function greeting(): Promise<string | undefined> {
  const body = JSON.stringify({ model: "base", messages: [{ role: "user", content: "hello" }], max_tokens: 20 });
  const response = await fetch(`${server.url}/v1/chat/completions`, { method: "POST", body });
  return Answer.parse(await response.json()).choices[0]?.message.content;
}

test("5,000 requests of all kinds get an answer or are refused, and leave the server as it was", async () => {
  const before = await greeting();
  const seen = new Map<number, number>();
  const client = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const [path, body] = request();
      const abort = new AbortController();
      if (random() < 0.02) setTimeout(() => abort.abort(), below(20));
      try {
        const response = await fetch(`${server.url}${path}`, { method: "POST", body, signal: abort.signal });
        await response.arrayBuffer();
        seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
        expect([200, 400, 404], body).toContain(response.status);
      } catch (error) {
        if (!abort.signal.aborted) throw error;
      }
    }
  };
  const round = (count: number) => Promise.all(Array.from({ length: 16 }, () => client(Math.ceil(count / 16))));
  await round(2500);
  const middle = residentMegabytes();
  await round(2500);
  expect(seen.get(200)).toBeGreaterThan(200);
  expect(await greeting()).toBe(before);
  if (middle > 0) expect(residentMegabytes() - middle).toBeLessThan(60);
}, 300_000);
