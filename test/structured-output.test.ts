import { Ajv2020 } from "ajv/dist/2020.js";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomFrom } from "./random.ts";
import { randomSchema } from "./random-schemas.ts";
import { type StartedServer, startServer } from "./started-server.ts";

let server: StartedServer;
let openai: OpenAI;
beforeAll(async () => {
  server = await startServer(["--max-tokens", "800"]);
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.stop());

const model = "base";
const questions = ["hello", "who are you?", "你好", "Describe a person as JSON.", "什么是量化", "2 + 2 = ?"];
const ajv = new Ajv2020({ strict: false, validateFormats: false });

const ask = (schema: Record<string, unknown>, content = "hello", changes = {}) =>
  openai.chat.completions.create({
    model,
    messages: [{ role: "user", content }],
    temperature: 1,
    response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
    ...changes,
  });

test("200 answers under random schemas are whole, parse and are valid", { timeout: 120_000 }, async () => {
  const random = randomFrom(20260);
  const schemas = Array.from({ length: 200 }, () => randomSchema(random));
  const check = async (schema: Record<string, unknown>, seed: number): Promise<void> => {
    const { choices } = await ask(schema, random.pick(questions), { seed });
    const [{ message, finish_reason = "" } = {}] = choices;
    const text = message?.content ?? "";
    expect(finish_reason, `${text} ${JSON.stringify(schema)}`).toBe("stop");
    const validate = ajv.compile(schema);
    expect(validate(JSON.parse(text)), `${text} ${JSON.stringify([validate.errors, schema])}`).toBe(true);
  };
  const waiting = [...schemas.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) await check(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
});

describe("response_format", () => {
  test("holds with every kind of sampler, streamed, and for completions", async () => {
    const schema = {
      type: "object",
      properties: { a: { enum: ["x", "y"] }, n: { type: "integer", minimum: 0, maximum: 99 } },
      required: ["a", "n"],
    };
    const valid = /^\{"a": "[xy]", "n": \d\d?\}$/;
    const samplers = [
      { temperature: 0 },
      { top_p: 0.5, top_k: 3, min_p: 0.1 },
      { presence_penalty: 2, frequency_penalty: 2, repetition_penalty: 1.5 },
      { xtc_probability: 1, xtc_threshold: 0.1 },
      { logprobs: true, top_logprobs: 5, logit_bias: { 5: 100, 9: -100 } },
      { repetition_penalty: 1e38, min_tokens: 50, ignore_eos: true, stop: ["zzz"] },
      { n: 3 },
    ];
    for (const sampler of samplers) {
      const { choices } = await ask(schema, "hello", sampler);
      for (const choice of choices)
        expect([choice.message.content, choice.finish_reason]).toEqual([expect.stringMatching(valid), "stop"]);
    }
    const stream = await openai.chat.completions.create({
      model,
      messages: [{ role: "user", content: "hello" }],
      stream: true,
      response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
    });
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    expect(text).toMatch(valid);
    const format = { response_format: { type: "json_schema", json_schema: { schema } } };
    const completion = await openai.completions.create({ model, prompt: "hello", ...format });
    expect(completion.choices[0]?.text).toMatch(valid);
  });

  test("json_object gives an object, and max_tokens may cut it", async () => {
    const response_format = { type: "json_object" as const };
    const messages = [{ role: "user" as const, content: "hello" }];
    const { choices } = await openai.chat.completions.create({ model, messages, response_format, max_tokens: 3 });
    expect([choices[0]?.message.content, choices[0]?.finish_reason]).toEqual([expect.stringMatching(/^\{/), "length"]);
  });

  test("texts with and without a schema are computed together, and do not change each other", async () => {
    const plain = () =>
      openai.chat.completions.create({ model, messages: [{ role: "user", content: "hello" }], max_tokens: 24 });
    const alone = (await plain()).choices[0]?.message.content;
    const [first, ...others] = await Promise.all([
      plain(),
      ...Array.from({ length: 8 }, () => ask({ type: "integer", minimum: 1 })),
      plain(),
    ]);
    expect(first?.choices[0]?.message.content).toBe(alone);
    expect(others.at(-1)?.choices[0]?.message.content).toBe(alone);
    for (const other of others.slice(0, -1)) expect(other.choices[0]?.message.content).toMatch(/^[1-9]\d*$/);
  });

  test.each([
    ["a word that no grammar can say", { type: "array", uniqueItems: true }, /uniqueItems at #/],
    ["a schema that nothing satisfies", { type: "integer", minimum: 3, maximum: 1 }, /no number/],
    ["a type that there is not", { type: "thing" }, /type/],
    ["a huge schema", { enum: Array.from({ length: 60_000 }, (_, i) => `constant ${i}`) }, /smaller schema/],
  ])("%s is refused, with the reason", async (_, schema, message) => {
    await expect(ask(schema)).rejects.toMatchObject({ status: 400, message: expect.stringMatching(message) });
  });
});
