import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { chatPrompt } from "./chat-prompt.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-chat-prompt-"));
const template = "{{ messages[0].content }}|{{ enable_thinking }}|{{ reasoning_effort }}";
let tokenizer: Tokenizer;
beforeAll(async () => {
  cpSync(join(import.meta.dirname, "../../assets/cygnet-tiny"), folder, { recursive: true });
  writeFileSync(join(folder, "chat_template.jinja"), template);
  tokenizer = await Tokenizer.load(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const messages = [{ role: "user" as const, content: "hi" }];

test.each([
  [{}, {}, "hi|False|"],
  [{ reasoning_effort: "low" }, {}, "hi|True|low"],
  [{ reasoning_effort: "none" }, {}, "hi|False|none"],
  [{}, { enable_thinking: false }, "hi|False|"],
  [{ reasoning_effort: "high" }, { enable_thinking: false }, "hi|True|high"],
  [{ reasoning_effort: "high", chat_template_kwargs: { enable_thinking: false } }, {}, "hi|False|high"],
  [{ enable_thinking: true, chat_template_kwargs: { enable_thinking: false } }, {}, "hi|True|"],
] as const)("%j over the server's %j is the prompt %s", async (request, defaults, expected) => {
  const { ids } = await chatPrompt(tokenizer, { messages, ...request }, defaults);
  expect(tokenizer.decode(ids)).toBe(expected);
});

test("parts of text are joined, and others are refused", async () => {
  const parts = [
    { type: "text", text: "a" },
    { type: "input_text", text: "b" },
  ];
  const { ids } = await chatPrompt(tokenizer, { messages: [{ role: "developer", content: parts }] }, {});
  expect(tokenizer.decode(ids)).toBe("ab|False|");
  const picture = [{ role: "user" as const, content: [{ type: "image_url" }] }];
  await expect(chatPrompt(tokenizer, { messages: picture }, {})).rejects.toThrow(/image_url/);
});
