import type { AnswerEnd } from "./answer.ts";

/** OpenAI's count of tokens over the answers to one prompt. */
export function usageOf(ends: readonly AnswerEnd[]) {
  const sum = (count: (end: AnswerEnd) => number) => ends.reduce((total, end) => total + count(end), 0);
  const prompt = ends[0]?.promptTokens ?? 0;
  const completion = sum(({ completionTokens }) => completionTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: ends[0]?.cachedTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: sum(({ reasoningTokens }) => reasoningTokens) },
  };
}
