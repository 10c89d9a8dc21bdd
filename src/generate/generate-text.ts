import type { LanguageModel } from "../models/language-model.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { AnswerText, type EndOptions } from "./answer-text.ts";
import { type GenerateOptions, generateTokens } from "./generate.ts";
import { generateSpeculatively } from "./speculative.ts";

export interface TextOptions extends GenerateOptions, EndOptions {
  /** A small model that guesses tokens ahead. */
  draft?: { model: LanguageModel; tokens: number } | undefined;
}

export interface GeneratedText {
  text: string;
  /** With the token that ended the answer, if one did. */
  tokenIds: number[];
  /** Natural log of each token's probability. */
  logprobs: number[];
  /** The likeliest tokens in each one's place, best first, where they were asked for. */
  top: { id: number; logprob: number }[][];
  /** Tokens that the draft had guessed. */
  fromDraft: number;
  finishReason: "stop" | "length";
  /** Seconds until the first token, and from there to the last. */
  promptSeconds: number;
  generationSeconds: number;
}

/** Continues `prompt` and yields text as it becomes certain; returns everything at the end. */
export async function* generateText(
  model: LanguageModel,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  options: TextOptions,
): AsyncGenerator<string, GeneratedText> {
  const { draft } = options;
  const answer = new AnswerText(tokenizer, options);
  let fromDraft = 0;
  const start = performance.now();
  let first = start;
  const tokens = draft
    ? generateSpeculatively(model, prompt, { ...options, draft: draft.model, draftTokens: draft.tokens })
    : generateTokens(model, prompt, options);
  for await (const token of tokens) {
    if (answer.tokenIds.length === 0) first = performance.now();
    if ("fromDraft" in token && token.fromDraft) fromDraft++;
    const text = answer.add(token);
    if (text !== "") yield text;
    if (answer.hasEnded) break;
  }
  const rest = answer.finish();
  if (rest !== "") yield rest;
  const { text, tokenIds, logprobs, top, hasEnded } = answer;
  return {
    text,
    tokenIds,
    logprobs,
    top,
    fromDraft,
    finishReason: hasEnded ? "stop" : "length",
    promptSeconds: (first - start) / 1000,
    generationSeconds: (performance.now() - first) / 1000,
  };
}
