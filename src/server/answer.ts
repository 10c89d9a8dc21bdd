import type { Engine } from "../engine/engine.ts";
import type { GenerateRequest } from "../engine/messages.ts";
import { AnswerText } from "../generate/answer-text.ts";
import type { Sampling } from "../generate/sampler.ts";
import { type ThinkingMarks, ThinkingSplitter } from "../generate/thinking.ts";
import type { AnswerFields } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { AnswerDefaults } from "./sampling.ts";
import { samplingOf } from "./sampling.ts";
import type { Served } from "./served-models.ts";
import { type CallDelta, CallSplitter, type ToolUse } from "./tool-use.ts";

/** One answer to one prompt. */
export interface AnswerRequest {
  served: Served;
  prompt: readonly number[];
  sampling: Sampling;
  seed: number;
  maxTokens: number;
  minTokens: number;
  stop: readonly string[];
  ignoreEos: boolean;
  /** What the answer is written by. */
  grammar?: GenerateRequest["grammar"];
  /** Calls of tools come apart from the answer. */
  toolUse?: ToolUse | undefined;
  /** Thoughts come apart from the answer; inside: the prompt ends within them. */
  thoughts?: { inside: boolean; marks?: ThinkingMarks } | undefined;
}

/** How likely a token was, and what else was likely in its place. */
export interface AnswerToken {
  text: string;
  bytes: number[];
  logprob: number;
  top: { text: string; bytes: number[]; logprob: number }[];
}

/** A piece of an answer as it comes, with the tokens since the piece before. */
export interface AnswerDelta {
  text: string;
  thinking: string;
  calls: CallDelta[];
  tokens: AnswerToken[];
}

export interface AnswerEnd {
  finishReason: "stop" | "length" | "tool_calls";
  /** The stop string that ended the answer, if one did. */
  stopString?: string | undefined;
  promptTokens: number;
  completionTokens: number;
  /** Tokens of the prompt that were known from before. */
  cachedTokens: number;
  /** Tokens of thoughts. */
  reasoningTokens: number;
}

/**
 * What all kinds of requests say of an answer.
 * @throws UserError when the prompt is empty or longer than the model's context.
 */
export function answerRequest(
  served: Served,
  prompt: readonly number[],
  request: AnswerFields & { max_completion_tokens?: number | null | undefined },
  defaults: AnswerDefaults,
): AnswerRequest {
  const { contextLength } = served.model;
  if (prompt.length === 0) throw new UserError("server/empty-prompt", {});
  if (prompt.length >= contextLength) throw new UserError("server/too-long", { tokens: prompt.length, contextLength });
  const wanted = request.max_completion_tokens ?? request.max_tokens ?? defaults.maxTokens;
  const { stop } = request;
  return {
    served,
    prompt,
    sampling: samplingOf(request, served.model, defaults),
    seed: request.seed ?? Math.floor(Math.random() * 2 ** 32),
    maxTokens: Math.min(wanted, contextLength - prompt.length),
    minTokens: request.min_tokens ?? 0,
    stop: typeof stop === "string" ? [stop] : (stop ?? []),
    ignoreEos: request.ignore_eos ?? false,
  };
}

/** The answer, piece by piece; leaving the loop or aborting ends it. @throws UserError when the engine cannot. */
export async function* answer(
  engine: Engine,
  request: AnswerRequest,
  signal: AbortSignal,
): AsyncGenerator<AnswerDelta, AnswerEnd> {
  const { served, prompt, stop, thoughts, maxTokens } = request;
  const { tokenizer, name } = served.model;
  const end: AnswerEnd = {
    finishReason: "length",
    promptTokens: prompt.length,
    completionTokens: 0,
    cachedTokens: 0,
    reasoningTokens: 0,
  };
  if (maxTokens === 0) return end;
  const endIds = request.ignoreEos && !request.grammar ? [] : [...tokenizer.eosTokenIds];
  const text = new AnswerText(tokenizer, { stop, endIds });
  const splitter = thoughts && new ThinkingSplitter(thoughts);
  const callSplitter = request.toolUse && new CallSplitter(request.toolUse);
  let delta = emptyDelta();
  let inThoughts = thoughts?.inside ?? false;
  const takeAnswer = (more: string, isLast: boolean): void => {
    const { text: plain, calls } = callSplitter?.add(more, isLast) ?? { text: more, calls: [] };
    delta.text += plain;
    delta.calls.push(...calls);
  };
  const take = (more: string, isLast: boolean): void => {
    const pieces = splitter
      ? [...splitter.add(more), ...(isLast ? splitter.finish() : [])]
      : [{ kind: "answer" as const, text: more }];
    for (const piece of pieces) {
      inThoughts = piece.kind === "thinking";
      if (inThoughts) delta.thinking += piece.text;
      else takeAnswer(piece.text, false);
    }
    if (isLast) takeAnswer("", true);
  };
  const { seed, sampling, minTokens } = request;
  const asked = {
    prompt,
    sampling,
    seed,
    maxTokens,
    adapter: served.adapter,
    endIds,
    minTokens,
    grammar: request.grammar,
  };
  for await (const token of engine.generate(name, asked, signal)) {
    end.completionTokens++;
    end.cachedTokens += token.cachedTokens ?? 0;
    take(text.add(token), false);
    if (inThoughts) end.reasoningTokens++;
    if (!endIds.includes(token.id)) delta.tokens.push(described(token, tokenizer));
    if (text.hasEnded) {
      end.finishReason = "stop";
      end.stopString = text.stopString;
      break;
    }
    if (!saysSomething(delta)) continue;
    yield delta;
    delta = emptyDelta();
  }
  take(text.finish(), true);
  if (saysSomething(delta) || delta.tokens.length > 0) yield delta;
  if (callSplitter?.hasCalls && end.finishReason === "stop") end.finishReason = "tool_calls";
  return end;
}

export function emptyDelta(): AnswerDelta {
  return { text: "", thinking: "", calls: [], tokens: [] };
}

function saysSomething({ text, thinking, calls }: AnswerDelta): boolean {
  return text !== "" || thinking !== "" || calls.length > 0;
}

function described(
  { id, logprob, top = [] }: { id: number; logprob: number; top?: { id: number; logprob: number }[] | undefined },
  tokenizer: Tokenizer,
): AnswerToken {
  const one = (each: number) => ({ text: tokenizer.tokenText(each), bytes: [...tokenizer.tokenBytes(each)] });
  return { ...one(id), logprob, top: top.map((each) => ({ ...one(each.id), logprob: each.logprob })) };
}
