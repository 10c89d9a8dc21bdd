import type { LanguageModel } from "../models/language-model.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { AnswerText, type EndOptions } from "./answer-text.ts";
import { type BatchOptions, generateBatch } from "./batch.ts";

export interface BatchAnswer {
  text: string;
  tokenIds: number[];
  logprobs: number[];
  finishReason: "stop" | "length";
}

/** Answers to several prompts, `batchSize` of them together, in order; each is what it would be alone with the seed: see `generateBatch`. */
export async function* generateTexts(
  model: LanguageModel,
  tokenizer: Tokenizer,
  prompts: readonly (readonly number[])[],
  { batchSize, ...options }: BatchOptions & EndOptions & { batchSize: number },
): AsyncGenerator<BatchAnswer, void> {
  for (let from = 0; from < prompts.length; from += batchSize) {
    const part = prompts.slice(from, from + batchSize);
    const answers = part.map(() => new AnswerText(tokenizer, options));
    const steps = generateBatch(model, part, options);
    let step = await steps.next();
    while (!step.done) {
      for (const token of step.value) answers[token.row]?.add(token);
      step = await steps.next(new Set(answers.flatMap(({ hasEnded }, row) => (hasEnded ? [row] : []))));
    }
    for (const answer of answers) {
      answer.finish();
      const { text, tokenIds, logprobs, hasEnded } = answer;
      yield { text, tokenIds, logprobs, finishReason: hasEnded ? "stop" : "length" };
    }
    if (options.signal?.aborted) return;
  }
}
