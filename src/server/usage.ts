import type { AnswerEnd } from "./answer.ts";

/** OpenAI's count of tokens over answers in the order of their prompts, so many to each; a prompt counts once. */
export function usageOf(ends: readonly AnswerEnd[], answersToEach = ends.length) {
  const sum = (all: readonly AnswerEnd[], count: (end: AnswerEnd) => number) =>
    all.reduce((total, end) => total + count(end), 0);
  const firsts = ends.filter((_, index) => index % answersToEach === 0);
  const prompt = sum(firsts, ({ promptTokens }) => promptTokens);
  const completion = sum(ends, ({ completionTokens }) => completionTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum(firsts, ({ cachedTokens }) => cachedTokens) },
    completion_tokens_details: { reasoning_tokens: sum(ends, ({ reasoningTokens }) => reasoningTokens) },
  };
}
