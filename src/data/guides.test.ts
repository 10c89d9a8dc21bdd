import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { loadDataset } from "./dataset.ts";
import { requireTargets, tokenizeRows } from "./sample.ts";

/** The data rows that a guide prints: the JSON objects on lines of their own, or behind a line number. */
async function guideRows(number: string): Promise<string[]> {
  const folder = resolve(sharedData, "../seeds");
  const name = (await readdir(folder)).find((file) => file.startsWith(number));
  const text = await readFile(join(folder, name ?? number), "utf8");
  return text
    .split("\n")
    .flatMap((line) => /^\s*(?:\d+\s*\|\s*)?(\{"(?:prompt|text|messages)".*\})(?:\s*\|)?\s*$/.exec(line)?.[1] ?? []);
}

describe.skipIf(!hasSharedData)("the rows that the guides print train as they are", () => {
  test.each([
    ["000", "chat", 1, "tokenizers/qwen2.5", true],
    ["001", "completions", 5, "tokenizers/qwen3", true],
    ["002", "text", 1, "tokenizers/mistral-v0.3", false],
  ])("guide %s: %s", async (number, form, count, model, maskPrompt) => {
    const folder = await mkdtemp(join(tmpdir(), "guide-"));
    await writeFile(join(folder, "train.jsonl"), (await guideRows(number)).join("\n"));
    const { train } = await loadDataset(folder, { train: true, mask_prompt: maskPrompt });
    expect(train.map((row) => row.form)).toEqual(Array(count).fill(form));
    const tokenizer = await Tokenizer.load(join(sharedData, model));
    const { samples } = await tokenizeRows(train, tokenizer, { maskPrompt });
    expect(() => requireTargets(samples)).not.toThrow();
  });
});
