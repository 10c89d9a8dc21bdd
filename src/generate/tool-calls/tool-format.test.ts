import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import { toolFormatOf } from "./tool-format.ts";

const folder = join(sharedData, "chat-templates");

/** Templates of ../shared/data, where they are, and the form of calls that each shows. */
const expected: [string, string][] = [
  ["Qwen-Qwen3-0.6B", "hermes"],
  ["NousResearch-Hermes", "hermes"],
  ["Qwen3-Coder", "qwen coder"],
  ["meta-llama-Llama-3.1", "llama"],
  ["mistralai-Mistral-Nemo", "mistral array"],
  ["Mistral-Small-3.2", "mistral"],
  ["deepseek-ai-DeepSeek-V3.1", "deepseek"],
  ["deepseek-ai-DeepSeek-R1", "deepseek code"],
];

test.skipIf(!hasSharedData).each(expected)("%s calls tools in the form %s", (name, format) => {
  const file = readdirSync(folder).find((each) => each.startsWith(name));
  expect(file).toBeDefined();
  expect(toolFormatOf(readFileSync(join(folder, file ?? ""), "utf8"), () => false)).toBe(format);
});
