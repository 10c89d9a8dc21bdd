import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { generateText } from "../../generate/generate-text.ts";
import { greedy } from "../../generate/sampler.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";

/** A file of the package's assets/. */
export function asset(path: string): string {
  return fileURLToPath(new URL(`../../../assets/${path}`, import.meta.url));
}

/** A question, and words that a right answer has in it. */
export interface Question {
  query: string;
  expected: string;
}

const OtherQuestion = z.object({ query: z.string(), expect: z.string() });
const IdentityQuestion = z.object({ query: z.string(), tag: z.string(), asks: z.enum(["name", "maker"]) });

/** Questions about everything else, which tuning must not have made the model forget. */
export function otherQuestions(): Question[] {
  return rowsOf("identity/other-questions.jsonl", OtherQuestion).map(({ query, expect }) => ({
    query,
    expected: expect,
  }));
}

interface Identity {
  name: string;
  author: string;
}

/** Questions about the model, in words that no training row has: the answer has the name in it, or the maker where asked for that. */
export function identityQuestions(identities: { zh: Identity; en: Identity }): Question[] {
  return rowsOf("identity/held-out.jsonl", IdentityQuestion).map(({ query, tag, asks }) => {
    const { name, author } = tag === "zh" ? identities.zh : identities.en;
    return { query, expected: asks === "name" ? name : author };
  });
}

function rowsOf<T>(path: string, schema: z.ZodType<T>): T[] {
  const lines = readFileSync(asset(path), "utf8").split("\n");
  return lines.filter((line) => line.trim() !== "").map((line) => schema.parse(JSON.parse(line)));
}

/** The model's likeliest answer to each question. */
export async function answers(
  model: LanguageModel,
  tokenizer: Tokenizer,
  questions: readonly Question[],
): Promise<string[]> {
  const all: string[] = [];
  for (const { query } of questions) {
    const prompt = await tokenizer.encodeChat([{ role: "user", content: query }], { addGenerationPrompt: true });
    const text = generateText(model, tokenizer, prompt, { sampling: greedy, maxTokens: 60 });
    let step = await text.next();
    while (!step.done) step = await text.next();
    all.push(step.value.text.trim());
  }
  return all;
}

export function countRight(questions: readonly Question[], given: readonly string[]): number {
  return questions.filter(({ expected }, i) => given[i]?.includes(expected)).length;
}
