import { resolve } from "node:path";
import { expect, test } from "vitest";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { RandomNumbers } from "./random-numbers.ts";
import { RandomPrompts } from "./random-prompts.ts";
import { serverVocabulary, tokenizerVocabulary } from "./vocabularies.ts";

const tokenizer = await Tokenizer.load(resolve(import.meta.dirname, "../../assets/cygnet-tiny"));

/** Tokens of a prompt where a chat template goes around it. */
async function chatTokens(content: string): Promise<number> {
  return (await tokenizer.encodeChat([{ role: "user", content }], { addGenerationPrompt: true })).length;
}

test.each(["chat", "completions"] as const)("random prompts have exactly the tokens asked for (%s)", async (api) => {
  const random = new RandomNumbers(5);
  const vocabulary = tokenizerVocabulary(tokenizer, api, {}, random);
  const prompts = await new RandomPrompts(vocabulary, { prefix: 0, min: 20, max: 90 }, random).take(60);
  for (const { text = "", tokens } of prompts) {
    expect(api === "chat" ? await chatTokens(text) : (await tokenizer.encode(text)).length).toBe(tokens);
  }
  expect(new Set(prompts.map(({ tokens }) => tokens)).size).toBeGreaterThan(20);
  expect(new Set(prompts.map(({ text }) => text)).size).toBe(60);
});

test("all prompts begin with the prefix, and with nothing else in common", async () => {
  const random = new RandomNumbers(6);
  const vocabulary = tokenizerVocabulary(tokenizer, "completions", {}, random);
  const prompts = await new RandomPrompts(vocabulary, { prefix: 40, min: 30, max: 30 }, random).take(2);
  const [a = [], b = []] = await Promise.all(prompts.map(({ text = "" }) => tokenizer.encode(text)));
  expect(a).toHaveLength(70);
  const common = a.findIndex((id, i) => id !== b[i]);
  expect(common).toBeGreaterThanOrEqual(39);
  expect(common).toBeLessThan(46);
});

test("without a tokenizer the server's count finds words that are one token each", async () => {
  const random = new RandomNumbers(7);
  let asked = 0;
  const vocabulary = await serverVocabulary((text) => {
    asked += 1;
    return chatTokens(text);
  });
  expect(asked).toBeLessThan(300);
  const prompts = await new RandomPrompts(vocabulary, { prefix: 10, min: 100, max: 130 }, random).take(20);
  for (const { text = "", tokens } of prompts) expect(await chatTokens(text)).toBe(tokens);
});

test("tokens that only the server sees are taken off the prompts that follow", async () => {
  const random = new RandomNumbers(8);
  const vocabulary = tokenizerVocabulary(tokenizer, "chat", {}, random);
  const prompts = new RandomPrompts(vocabulary, { prefix: 0, min: 50, max: 50 }, random);
  const [first] = await prompts.take(1);
  if (!first) throw new Error("one prompt was asked for");
  prompts.correct(first, 57);
  const [second] = await prompts.take(1);
  expect(await chatTokens(second?.text ?? "")).toBe(43);
});

test("a length that the template alone exceeds is refused with the least that is possible", async () => {
  const random = new RandomNumbers(9);
  const prompts = new RandomPrompts(
    tokenizerVocabulary(tokenizer, "chat", {}, random),
    { prefix: 0, min: 2, max: 2 },
    random,
  );
  await expect(prompts.take(1)).rejects.toThrow(/A prompt of 2 tokens cannot be made.*The least is \d+/s);
});
