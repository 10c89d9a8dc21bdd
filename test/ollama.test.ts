import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type Message, Ollama, type Tool } from "ollama";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folderWith } from "./command-line.ts";
import { type StartedServer, startServer, tinyModel } from "./started-server.ts";

/** The embedded model with a template that writes tools and calls. */
const withTools = folderWith({});
const template = `{%- if tools %}{{- '<|im_start|>system\n' + tools | tojson + '<|im_end|>\n' }}{%- endif %}
{%- for message in messages %}{{- '<|im_start|>' + message.role + '\n' + message.content }}
{%- for call in message.tool_calls or [] %}{{- call.function.name + call.function.arguments | tojson }}{%- endfor %}
{{- (message.name or '') + '<|im_end|>\n' }}{%- endfor %}{{- '<|im_start|>assistant\n' }}`;

let server: StartedServer;
let ollama: Ollama;
beforeAll(async () => {
  cpSync(tinyModel, withTools, { recursive: true });
  writeFileSync(join(withTools, "chat_template.jinja"), template);
  server = await startServer(["--model", withTools, "--max-tokens", "900", "--dtype", "float32"]);
  ollama = new Ollama({ host: server.url });
});
afterAll(async () => {
  await server.stop();
  rmSync(withTools, { recursive: true });
});

const model = "base";
const messages = [{ role: "user", content: "What is the weather in Paris?" }];
const schema = {
  type: "object",
  properties: { city: { type: "string", maxLength: 8 }, days: { type: "integer", minimum: 1, maximum: 9 } },
  required: ["city", "days"],
  additionalProperties: false,
};
const isValid = (value: unknown): boolean => new Ajv2020().validate(schema, value);
const options = { temperature: 1, seed: 5 };

describe("format", () => {
  test("is the form of a chat's answer, whole and streamed", async () => {
    const { message } = await ollama.chat({ model, messages, format: schema, options });
    expect(isValid(JSON.parse(message.content)), message.content).toBe(true);
    let text = "";
    for await (const part of await ollama.chat({ model, messages, format: schema, options, stream: true }))
      text += part.message.content;
    expect(text).toBe(message.content);
    const cut = await ollama.chat({ model, messages, format: "json", options: { ...options, num_predict: 3 } });
    expect(cut).toMatchObject({ message: { content: expect.stringMatching(/^\{/) }, done_reason: "length" });
  });

  test.each([false, true])("is the form of what is generated, raw: %s", async (raw) => {
    const { response } = await ollama.generate({ model, prompt: "Paris", raw, format: schema, options });
    expect(isValid(JSON.parse(response ?? "")), response).toBe(true);
    const json = await ollama.generate({ model, prompt: "Paris", raw, format: "json", options: { num_predict: 2 } });
    expect(json.response).toMatch(/^\{/);
  });

  test("that no grammar can say is refused", async () => {
    const format = { type: "array", uniqueItems: true };
    await expect(ollama.chat({ model, messages, format })).rejects.toThrow(/uniqueItems at #/);
    await expect(ollama.generate({ model, prompt: "a", format })).rejects.toThrow(/uniqueItems at #/);
    await expect(ollama.chat({ model, messages, format: "yaml" })).rejects.toThrow(/format/);
  });
});

describe("tools", () => {
  const tools = [{ type: "function", function: { name: "weather", description: "The weather", parameters: schema } }];

  const prompt_tokens = async (request: { messages: Message[]; tools?: Tool[] }) =>
    (await ollama.chat({ model, ...request, options: { num_predict: 1 } })).prompt_eval_count;

  test("are told to the model, with what was called and what came of it", async () => {
    expect(await prompt_tokens({ messages, tools })).toBeGreaterThan((await prompt_tokens({ messages })) + 30);
    const call = { function: { name: "weather", arguments: { city: "Paris", days: 1 } } };
    const called: Message[] = [...messages, { role: "assistant", content: "", tool_calls: [call] }];
    const uncalled: Message[] = [...messages, { role: "assistant", content: "" }];
    expect(await prompt_tokens({ messages: called })).toBeGreaterThan(await prompt_tokens({ messages: uncalled }));
    const result = { role: "tool", content: "sunny" };
    const named = await prompt_tokens({ messages: [...called, { ...result, tool_name: "weather" }] });
    expect(named).toBeGreaterThan(await prompt_tokens({ messages: [...called, result] }));
    expect((await ollama.show({ model })).capabilities).toContain("tools");
  });

  test("need not be called", async () => {
    const { message } = await ollama.chat({ model, messages, tools });
    expect(message.content).toMatch(/\w/);
    expect(message.tool_calls).toBeUndefined();
  });

  test("are refused where the model would not hear of them", async () => {
    const plain = await startServer();
    const client = new Ollama({ host: plain.url });
    await expect(client.chat({ model, messages, tools })).rejects.toThrow(/does not support tools/);
    expect((await client.show({ model })).capabilities).not.toContain("tools");
    await plain.stop();
  });
});

test.each([
  ["pictures in a chat", "/api/chat", { messages: [{ role: "user", content: "?", images: ["aGk="] }] }, /images/],
  ["pictures in a prompt", "/api/generate", { prompt: "?", images: ["aGk="] }, /images/],
  ["text behind the answer", "/api/generate", { prompt: "a", suffix: "b" }, /suffix: b/],
  ["another template", "/api/generate", { prompt: "a", template: "{{ .Prompt }}" }, /template: \{\{ \.Prompt \}\}/],
  ["a conversation as numbers", "/api/generate", { prompt: "a", context: [1] }, /context: /],
  ["tools without names", "/api/chat", { messages, tools: [{ type: "function", function: {} }] }, /tools\.0\.function/],
])("%s are refused by name", async (_, path, body, message) => {
  const response = await fetch(`${server.url}${path}`, { method: "POST", body: JSON.stringify({ model, ...body }) });
  expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(message)]);
});
