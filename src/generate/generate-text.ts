import type { LanguageModel } from "../models/language-model.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type GenerateOptions, generateTokens } from "./generate.ts";
import { generateSpeculatively } from "./speculative.ts";
import { StopMatcher } from "./stop.ts";

export interface TextOptions extends GenerateOptions {
  /** Strings that end the answer and are not part of it. */
  stop?: readonly string[];
  /** A small model that guesses tokens ahead. */
  draft?: { model: LanguageModel; tokens: number } | undefined;
  /** Tokens that end the answer beside the tokenizer's own. */
  extraEosTokenIds?: readonly number[];
}

export interface GeneratedText {
  text: string;
  /** With the token that ended the answer, if one did. */
  tokenIds: number[];
  /** Natural log of each token's probability. */
  logprobs: number[];
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
  { stop = [], extraEosTokenIds = [], draft, ...options }: TextOptions,
): AsyncGenerator<string, GeneratedText> {
  const ends = new Set([...tokenizer.eosTokenIds, ...extraEosTokenIds]);
  const detokenizer = tokenizer.detokenizer();
  const matcher = new StopMatcher(stop);
  const result: GeneratedText = {
    text: "",
    tokenIds: [],
    logprobs: [],
    fromDraft: 0,
    finishReason: "length",
    promptSeconds: 0,
    generationSeconds: 0,
  };
  const start = performance.now();
  let first = start;
  const tokens = draft
    ? generateSpeculatively(model, prompt, { ...options, draft: draft.model, draftTokens: draft.tokens })
    : generateTokens(model, prompt, options);
  for await (const token of tokens) {
    const { id, logprob } = token;
    if (result.tokenIds.length === 0) first = performance.now();
    result.tokenIds.push(id);
    result.logprobs.push(logprob);
    if ("fromDraft" in token && token.fromDraft) result.fromDraft++;
    if (ends.has(id)) result.finishReason = "stop";
    const text = ends.has(id) ? "" : matcher.add(detokenizer.add(id));
    result.text += text;
    if (text !== "") yield text;
    if (matcher.stopped) result.finishReason = "stop";
    if (result.finishReason === "stop") break;
  }
  const rest = matcher.stopped ? "" : matcher.add(detokenizer.finish()) + matcher.finish();
  result.text += rest;
  if (rest !== "") yield rest;
  result.promptSeconds = (first - start) / 1000;
  result.generationSeconds = (performance.now() - first) / 1000;
  return result;
}
