import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import type { ChatClientOptions } from "./chat-client.ts";
import { Judge } from "./judge.ts";

const Asked = z.looseObject({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
});
type Reply = (
  asked: { a: string; b: string; body: z.infer<typeof Asked>; count: number },
  response: ServerResponse,
) => string | undefined;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A judge that asks a server on this machine, and what the server was asked. */
async function judgeWith(reply: Reply, options: Partial<ChatClientOptions> = {}) {
  const requests: IncomingMessage[] = [];
  const server = createServer(async (request, response) => {
    requests.push(request);
    const body = Asked.parse(JSON.parse(await text(request)));
    const [, a = "", b = ""] =
      /Answer A:\n(.*?)\n\n---\n\nAnswer B:\n(.*)$/s.exec(body.messages[1]?.content ?? "") ?? [];
    const content = reply({ a, b, body, count: requests.length }, response);
    if (content !== undefined) response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content } }] }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const judge = new Judge({ url: `http://127.0.0.1:${port}`, model: "m", ...options });
  closers.push(
    () => judge.close(),
    () => new Promise((done) => server.close(done)),
  );
  return { judge, requests };
}

const pair = { question: "Who are you?", base: "I am a model.", tuned: "I am little-swan.", reference: "little-swan" };

test("a verdict counts when it is the same in both orders", async () => {
  const prefers =
    (wanted: string): Reply =>
    ({ a }) =>
      `Reasons.\n[[${a.includes(wanted) ? "A" : "B"}]]`;
  const { judge, requests } = await judgeWith(prefers("swan"));
  expect(await judge.compare(pair)).toEqual({ verdict: "tuned", base_first: "tuned", tuned_first: "tuned" });
  expect(requests.map(({ method, url }) => [method, url])).toEqual(Array(2).fill(["POST", "/v1/chat/completions"]));
  const other = await judgeWith(prefers("model"));
  expect(await other.judge.compare(pair)).toMatchObject({ verdict: "base" });
});

test("what the judge is shown: question, reference and both answers, once in each order", async () => {
  const shown: string[] = [];
  const { judge } = await judgeWith(({ body }) => {
    shown.push(body.messages[1]?.content ?? "");
    return "[[tie]]";
  });
  expect(await judge.compare(pair)).toEqual({ verdict: "tie", base_first: "tie", tuned_first: "tie" });
  expect(shown.sort()).toEqual(
    [
      ["I am a model.", "I am little-swan."],
      ["I am little-swan.", "I am a model."],
    ].map(([a, b]) =>
      ["Question:\nWho are you?", "Reference answer:\nlittle-swan", `Answer A:\n${a}`, `Answer B:\n${b}`].join(
        "\n\n---\n\n",
      ),
    ),
  );
});

test("verdicts that contradict each other are ties, and identical answers are not shown", async () => {
  const { judge, requests } = await judgeWith(() => "[[A]]");
  expect(await judge.compare(pair)).toEqual({ verdict: "tie", base_first: "base", tuned_first: "tuned" });
  expect(await judge.compare({ ...pair, tuned: pair.base })).toMatchObject({ verdict: "tie", base_first: null });
  expect(requests).toHaveLength(2);
});

test("a tie in one order and a side in the other are a tie", async () => {
  const { judge } = await judgeWith(({ a }) => (a.includes("swan") ? "[[A]]" : "[[TIE]]"));
  expect(await judge.compare(pair)).toMatchObject({ verdict: "tie", base_first: "tie", tuned_first: "tuned" });
});

test.each(["", "I cannot decide.", "A", "[[A]] or [[B]]", "[[C]]"])("a malformed verdict is none: %j", async (said) => {
  const { judge } = await judgeWith(({ a }) => (a.includes("swan") ? said : "[[A]]"));
  expect(await judge.compare(pair)).toMatchObject({
    verdict: null,
    base_first: "base",
    tuned_first: null,
    problem: { kind: "malformed", text: said },
  });
});

test("the last line with a verdict counts, whatever was thought before", async () => {
  const { judge } = await judgeWith(({ a }) =>
    a.includes("swan") ? "[[B]] might be said.\nBut: [[a]]\n" : "<think>[[A]]</think>\n**[[B]]**",
  );
  expect(await judge.compare(pair)).toMatchObject({ verdict: "tuned" });
});

test("a busy judge is asked again, after the time that it asks for", async () => {
  const pauses: number[] = [];
  const { judge, requests } = await judgeWith(
    ({ count }, response) => {
      if (count > 3) return "[[tie]]";
      response.writeHead(count === 1 ? 429 : 503, { "retry-after": "0" });
      response.end('{"error": {"message": "slow down"}}');
      return undefined;
    },
    { onPause: ({ seconds }) => pauses.push(seconds) },
  );
  expect(await judge.compare(pair)).toMatchObject({ verdict: "tie" });
  expect(requests).toHaveLength(5);
  expect(pauses).toEqual([0, 0, 0]);
});

test("a judge that stays busy is given up, and the row has no verdict", async () => {
  const { judge, requests } = await judgeWith((_, response) => {
    response.writeHead(429, { "retry-after": "0" });
    response.end('{"error": {"message": "no more today"}}');
    return undefined;
  });
  const { verdict, problem } = await judge.compare(pair);
  expect([verdict, problem]).toEqual([null, { kind: "failed", text: "HTTP 429: no more today" }]);
  expect(requests).toHaveLength(5);
});

test("what is no answer of the API is told and not asked again", async () => {
  const { judge, requests } = await judgeWith((_, response) => {
    response.end("<html>hello</html>");
    return undefined;
  });
  expect((await judge.compare(pair)).problem?.text).toContain(
    "did not answer as the OpenAI API does: <html>hello</html>",
  );
  expect(requests).toHaveLength(1);
});

test("a judge that cannot be asked is told before anything is answered", async () => {
  const { judge } = await judgeWith((_, response) => {
    response.writeHead(401);
    response.end('{"error": "wrong key"}');
    return undefined;
  });
  await expect(judge.check()).rejects.toThrow("does not answer: HTTP 401: wrong key");
  expect(() => new Judge({ url: "ftp://x", model: "m" })).toThrow("--judge-url ftp://x is no address");
});

test("key, model and further fields go with each request; null takes a field out", async () => {
  let seen: z.infer<typeof Asked> | undefined;
  const { judge, requests } = await judgeWith(
    ({ body }) => {
      seen = body;
      return "[[tie]]";
    },
    { apiKey: "secret", fields: { max_tokens: null, max_completion_tokens: 50 } },
  );
  await judge.check();
  expect(requests[0]?.headers.authorization).toBe("Bearer secret");
  expect(seen).toMatchObject({ model: "m", temperature: 0, max_completion_tokens: 50 });
  expect(seen).not.toHaveProperty("max_tokens");
});

test("aborting ends a request and no verdict comes", async () => {
  const controller = new AbortController();
  const { judge } = await judgeWith(
    (_, response) => {
      controller.abort();
      setTimeout(() => response.destroy(), 200);
      return undefined;
    },
    { signal: controller.signal },
  );
  const failure: unknown = await judge.compare(pair).catch((error: unknown) => error);
  expect(failure).toBe(controller.signal.reason);
});
