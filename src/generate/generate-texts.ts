import type { LanguageModel } from "../models/language-model.ts";
import { PagedCache } from "../models/paged-cache.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { AdapterBank } from "../tuner/adapter-bank.ts";
import { AnswerText, type EndOptions } from "./answer-text.ts";
import { BatchScheduler } from "./batch-scheduler.ts";
import type { PromptProgress } from "./prefill.ts";
import type { Sampling } from "./sampler.ts";

export interface BatchAnswer {
  text: string;
  tokenIds: number[];
  logprobs: number[];
  finishReason: "stop" | "length";
}

export interface TextsOptions extends EndOptions {
  sampling: Sampling;
  maxTokens: number;
  /** Each text draws as if it were alone with this seed. */
  seed: number;
  /** Prompts that are answered together. */
  batchSize: number;
  /** The model's adapters, and the one that answers each prompt; "" is the base model. */
  adapters?: { bank: AdapterBank; of: readonly string[] } | undefined;
  prefillStepSize?: number;
  signal?: AbortSignal | undefined;
  /** Told of the tokens of all prompts as they are computed. */
  onPrompt?: ((progress: PromptProgress) => void) | undefined;
}

/** An interrupt waits for so many tokens of prompts at most. */
const largestStep = 512;

/**
 * Answers to several prompts, `batchSize` of them together, in order. Each is what it would be alone with the seed, but for what half
 * precision rounds otherwise in a row alone: a draw between two tokens can tip over.
 */
export async function* generateTexts(
  model: LanguageModel,
  tokenizer: Tokenizer,
  prompts: readonly (readonly number[])[],
  { batchSize, adapters, prefillStepSize, signal, onPrompt, ...options }: TextsOptions,
): AsyncGenerator<BatchAnswer, void> {
  const total = prompts.reduce((sum, { length }) => sum + length, 0);
  const longest = Math.max(0, ...prompts.map(({ length }) => length)) + options.maxTokens;
  const scheduler = new BatchScheduler(model, {
    maxPages: batchSize * PagedCache.pagesFor(longest),
    maxTexts: batchSize,
    maxPrefixPages: 0,
    adapters: adapters?.bank,
    prefillStepSize: Math.min(prefillStepSize ?? largestStep, largestStep),
  });
  try {
    const { sampling, maxTokens, seed } = options;
    const answers = new Map(
      prompts.map((prompt, i) => {
        const adapter = adapters?.of[i] ?? "";
        const text = scheduler.add({ prompt, sampling, maxTokens, seed, adapter });
        return [text, new AnswerText(tokenizer, options)];
      }),
    );
    for (const [text, answer] of answers) {
      while (!answer.hasEnded && answer.tokenIds.length < options.maxTokens) {
        if (signal?.aborted) return;
        const tokens = await scheduler.step();
        onPrompt?.({ tokens: scheduler.counts.computedTokens, total });
        for (const token of tokens) {
          const each = answers.get(token.text);
          if (!each || each.hasEnded) continue;
          each.add(token);
          if (each.hasEnded) scheduler.end(token.text);
        }
      }
      answers.delete(text);
      answer.finish();
      const { tokenIds, logprobs, hasEnded } = answer;
      yield { text: answer.text, tokenIds, logprobs, finishReason: hasEnded ? "stop" : "length" };
    }
  } finally {
    scheduler.dispose();
  }
}
