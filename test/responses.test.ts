import { Ajv2020 } from "ajv/dist/2020.js";
import OpenAI from "openai";
import type { ResponseInput, ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type StartedServer, startServer } from "./started-server.ts";

let server: StartedServer;
let openai: OpenAI;
beforeAll(async () => {
  server = await startServer(["--max-tokens", "900", "--dtype", "float32"]);
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.stop());

const model = "base";
const schema = {
  type: "object",
  properties: { city: { type: "string", maxLength: 8 }, days: { type: "integer", minimum: 1, maximum: 9 } },
  required: ["city", "days"],
  additionalProperties: false,
};
const tools = ["weather", "forecast"].map((name) => {
  return { type: "function" as const, name, parameters: schema, strict: true };
});
const isValid = (text: string): boolean => new Ajv2020().validate(schema, JSON.parse(text));

/** What the client puts together, and the events that it was told. */
async function streamed(body: Parameters<OpenAI["responses"]["stream"]>[0]) {
  const stream = openai.responses.stream(body);
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return { events, response: await stream.finalResponse() };
}

describe("a response", () => {
  test("answers a text, whole and streamed alike, as chat completions do", async () => {
    const request = { model, input: "hello", instructions: "Be brief.", metadata: { topic: "x" } };
    const whole = await openai.responses.create(request);
    expect(whole.output_text).toMatch(/\w/);
    expect(whole).toMatchObject({
      ...{ object: "response", status: "completed", error: null },
      metadata: { topic: "x" },
    });
    const { choices, usage } = await openai.chat.completions.create({
      model,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hello" },
      ],
    });
    expect(whole.output_text).toBe(choices[0]?.message.content);
    expect([whole.usage?.input_tokens, whole.usage?.output_tokens]).toEqual([
      usage?.prompt_tokens,
      usage?.completion_tokens,
    ]);
    const { events, response } = await streamed(request);
    expect(response.output_text).toBe(whole.output_text);
    expect(response.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(0);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i));
    const types = events.map(({ type }) => type);
    expect(types.slice(0, 4)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
    ]);
    expect(new Set(types.slice(4, -4))).toEqual(new Set(["response.output_text.delta"]));
    expect(types.slice(-4)).toEqual([
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
  });

  test("is incomplete where max_output_tokens cuts it", async () => {
    const request = { model, input: "hello", max_output_tokens: 2 };
    for (const response of [await openai.responses.create(request), (await streamed(request)).response]) {
      expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
      expect(response.usage?.output_tokens).toBe(2);
    }
  });

  test("tells how likely its tokens were", async () => {
    const include = ["message.output_text.logprobs" as const];
    const { output, output_text } = await openai.responses.create({ model, input: "hello", include, top_logprobs: 2 });
    const [message] = output;
    if (message?.type !== "message") throw new Error("a message was asked for");
    const [part] = message.content;
    if (part?.type !== "output_text") throw new Error("a text was asked for");
    expect(part.logprobs?.map(({ token }) => token).join("")).toBe(output_text);
    expect(part.logprobs?.every(({ top_logprobs }) => top_logprobs.length === 2)).toBe(true);
  });

  test("has the form that a schema asks for", async () => {
    const format = { type: "json_schema" as const, name: "answer", schema };
    const { output_text } = await openai.responses.create({ model, input: "Paris?", text: { format }, temperature: 1 });
    expect(isValid(output_text), output_text).toBe(true);
    const { response } = await streamed({
      model,
      input: "Paris?",
      text: { format: { type: "json_object" } },
      max_output_tokens: 3,
    });
    expect(response.output_text).toMatch(/^\{/);
  });
});

describe("calls of tools", () => {
  test.each(["required", { type: "function" as const, name: "forecast" }] as const)(
    "that %j demands come as items, whole and streamed",
    async (tool_choice) => {
      const request = { model, input: "What is the weather in Paris?", tools, tool_choice, temperature: 1, seed: 3 };
      const whole = await openai.responses.create(request);
      const { response, events } = await streamed(request);
      const callsOf = ({ output }: Pick<typeof whole, "output">) =>
        output.flatMap((item) => (item.type === "function_call" ? [{ name: item.name, json: item.arguments }] : []));
      const calls = callsOf(whole);
      expect(calls.length).toBeGreaterThan(0);
      expect(callsOf(response)).toEqual(calls);
      for (const { name, json } of calls) {
        expect(isValid(json), json).toBe(true);
        if (tool_choice !== "required") expect(name).toBe("forecast");
      }
      expect(events.filter(({ type }) => type === "response.function_call_arguments.done")).toHaveLength(calls.length);
    },
  );

  test("are one at most where parallel_tool_calls is false, and their results continue the conversation", async () => {
    const input: ResponseInput = [{ role: "user", content: "What is the weather in Paris?" }];
    const first = await openai.responses.create({
      ...{ model, input, tools, tool_choice: "required" as const, parallel_tool_calls: false, temperature: 1 },
    });
    const [call] = first.output;
    if (call?.type !== "function_call") throw new Error("a call was asked for");
    expect(first.output).toHaveLength(1);
    const result = { type: "function_call_output" as const, call_id: call.call_id, output: "sunny" };
    const continued = { model, tools, max_output_tokens: 16 };
    const kept = await openai.responses.create({ ...continued, previous_response_id: first.id, input: [result] });
    const sent = await openai.responses.create({ ...continued, input: [...input, call, result] });
    expect(kept.output_text).toBe(sent.output_text);
    expect(kept.usage?.input_tokens).toBe(sent.usage?.input_tokens);
    const named = { type: "item_reference" as const, id: call.id ?? "" };
    const referred = await openai.responses.create({ ...continued, input: [...input, named, result] });
    expect(referred.output_text).toBe(sent.output_text);
  });
});

describe("stored responses", () => {
  test("can be gone on from, looked at and deleted", async () => {
    const first = await openai.responses.create({ model, input: "hello" });
    const { response: second } = await streamed({ model, input: "who are you?", previous_response_id: first.id });
    const all = await openai.responses.create({
      model,
      input: [
        { role: "user", content: "hello" },
        { role: "assistant", content: first.output_text },
        { role: "user", content: "who are you?" },
      ],
    });
    expect(second.output_text).toBe(all.output_text);
    const { output_text, status } = await openai.responses.retrieve(second.id);
    expect([output_text, status]).toEqual([second.output_text, "completed"]);
    const again = await fetch(`${server.url}/v1/responses/${second.id}?stream=true`);
    expect([again.status, await again.text()]).toEqual([400, expect.stringMatching(/stream=true/)]);
    await openai.responses.delete(second.id);
    await expect(openai.responses.retrieve(second.id)).rejects.toMatchObject({ status: 404 });
    const lost = openai.responses.create({ model, input: "and?", previous_response_id: second.id });
    await expect(lost).rejects.toMatchObject({ status: 404, message: expect.stringContaining(second.id) });
  });

  test("are none where store is false", async () => {
    const { id } = await openai.responses.create({ model, input: "hello", store: false });
    await expect(openai.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });
});

test.each([
  ["a tool of the hub's own", { tools: [{ type: "web_search" }] }, /tools\.0\.type: web_search/],
  ["a choice of such a tool", { tool_choice: { type: "file_search" } }, /tool_choice\.type: file_search/],
  ["work in the background", { background: true }, /background: true/],
  ["a conversation kept elsewhere", { conversation: "conv_1" }, /conversation: conv_1/],
  ["a prompt kept elsewhere", { prompt: { id: "pmpt_1" } }, /prompt: .*pmpt_1/],
  ["a shortened input", { truncation: "auto" }, /truncation: auto/],
  ["an item of another kind", { input: [{ type: "web_search_call", id: "ws" }] }, /input\.0\.type: web_search_call/],
  ["a picture", { input: [{ role: "user", content: [{ type: "input_image" }] }] }, /input_image/],
  ["no item", { input: [] }, /no tokens/],
  ["a schema that cannot be enforced", { text: { format: { type: "json_schema", schema: { not: {} } } } }, /not at #/],
])("%s is refused by name", async (_, changes, message) => {
  const body = JSON.stringify({ model, input: "hello", ...changes });
  const response = await fetch(`${server.url}/v1/responses`, { method: "POST", body });
  expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(message)]);
});
