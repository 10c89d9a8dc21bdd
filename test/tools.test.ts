import Anthropic from "@anthropic-ai/sdk";
import { Ajv2020 } from "ajv/dist/2020.js";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type StartedServer, startServer } from "./started-server.ts";

let server: StartedServer;
let openai: OpenAI;
let anthropic: Anthropic;
beforeAll(async () => {
  server = await startServer(["--max-tokens", "900"]);
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.stop());

const model = "base";
const messages = [{ role: "user" as const, content: "What is the weather in Paris?" }];
const weather = {
  type: "object" as const,
  properties: {
    city: { type: "string", maxLength: 8 },
    days: { type: "integer", minimum: 1, maximum: 9 },
    unit: { enum: ["C", "F"] },
  },
  required: ["city", "days"],
  additionalProperties: false,
};
const now = { type: "object" as const, properties: { zone: { enum: ["UTC", "CET"] } }, required: ["zone"] };
const schemas: { [name: string]: object } = { weather, now };
const tools = Object.entries(schemas).map(([name, schema]) => {
  return { type: "function" as const, function: { name, parameters: { ...schema } } };
});
const ajv = new Ajv2020();
const isValid = (name: string, input: unknown): boolean => ajv.validate(schemas[name] ?? false, input);

describe("the OpenAI client", () => {
  test.each(["required", { type: "function" as const, function: { name: "now" } }] as const)(
    "gets calls that %j demands",
    async (tool_choice) => {
      for (const seed of [1, 2, 3]) {
        const { choices } = await openai.chat.completions.create({
          model,
          messages,
          tools,
          tool_choice,
          temperature: 1,
          seed,
        });
        const [{ message, finish_reason } = {}] = choices;
        expect([message?.content, finish_reason]).toEqual([null, "tool_calls"]);
        const calls = message?.tool_calls ?? [];
        expect(calls.length).toBeGreaterThan(0);
        for (const call of calls) {
          if (call.type !== "function") throw new Error("functions are called");
          const { name, arguments: json } = call.function;
          if (tool_choice !== "required") expect(name).toBe("now");
          expect(isValid(name, JSON.parse(json)), json).toBe(true);
          expect(call.id).toMatch(/^call_/);
        }
      }
    },
  );

  test("gets a call piece by piece, its name first", async () => {
    const options = {
      model,
      messages,
      tools,
      tool_choice: "required" as const,
      parallel_tool_calls: false,
      temperature: 1,
      seed: 4,
    };
    const whole = await openai.chat.completions.create(options);
    const [call] = whole.choices[0]?.message.tool_calls ?? [];
    const stream = await openai.chat.completions.create({ ...options, stream: true });
    const pieces: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
    let finish: string | null | undefined;
    for await (const { choices } of stream) {
      pieces.push(...(choices[0]?.delta.tool_calls ?? []));
      finish = choices[0]?.finish_reason ?? finish;
    }
    expect(finish).toBe("tool_calls");
    expect(pieces[0]).toMatchObject({
      index: 0,
      id: expect.any(String),
      type: "function",
      function: { arguments: "" },
    });
    expect(pieces.length).toBeGreaterThan(2);
    const name = pieces[0]?.function?.name;
    const json = pieces.map((piece) => piece.function?.arguments ?? "").join("");
    expect(call).toMatchObject({ function: { name, arguments: json } });
  });

  test("gets plain answers when tools may but need not be called, or must not", async () => {
    for (const tool_choice of ["auto", "none"] as const) {
      const { choices } = await openai.chat.completions.create({
        model,
        messages: [{ role: "user", content: "hello" }],
        tools,
        tool_choice,
      });
      expect(choices[0]?.message.content).toMatch(/Hello/);
      expect([choices[0]?.message.tool_calls, choices[0]?.finish_reason]).toEqual([undefined, "stop"]);
    }
  });

  test("is told of a tool that there is not, and of a call without tools", async () => {
    const named = { type: "function" as const, function: { name: "other" } };
    const ask = (changes: object) => openai.chat.completions.create({ model, messages, ...changes });
    await expect(ask({ tools, tool_choice: named })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/other.*weather, now/),
    });
    await expect(ask({ tool_choice: "required" })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/no tools/),
    });
  });
});

describe("the Anthropic client", () => {
  const request = {
    model,
    messages,
    max_tokens: 200,
    temperature: 1,
    tools: Object.entries({ weather, now }).map(([name, input_schema]) => ({ name, input_schema })),
  };

  test.each([
    { type: "any" as const, disable_parallel_tool_use: true },
    { type: "tool" as const, name: "weather", disable_parallel_tool_use: true },
  ])("gets calls that %j demands, whole and streamed", async (tool_choice) => {
    const whole = await anthropic.messages.create({ ...request, tool_choice });
    const streamed = await anthropic.messages.stream({ ...request, tool_choice }).finalMessage();
    for (const { content, stop_reason } of [whole, streamed]) {
      expect(stop_reason).toBe("tool_use");
      expect(content.length).toBeGreaterThan(0);
      for (const block of content) {
        if (block.type !== "tool_use") throw new Error(`a block of type ${block.type}`);
        if (tool_choice.type === "tool") expect(block.name).toBe("weather");
        expect(isValid(block.name, block.input), JSON.stringify(block)).toBe(true);
      }
    }
  });

  test("continues a conversation with calls and results", async () => {
    const answer = await anthropic.messages.create({ ...request, tool_choice: { type: "tool", name: "now" } });
    const [call] = answer.content;
    if (call?.type !== "tool_use") throw new Error("a call was asked for");
    const result = { type: "tool_result" as const, tool_use_id: call.id, content: "12:00" };
    const next = await anthropic.messages.create({
      ...request,
      max_tokens: 8,
      messages: [...messages, { role: "assistant", content: answer.content }, { role: "user", content: [result] }],
    });
    expect(next.content[0]?.type).toBe("text");
  });
});
