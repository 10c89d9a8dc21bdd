import { expect, test } from "vitest";
import { usageOf } from "./usage.ts";

const end = (promptTokens: number, completionTokens: number, cachedTokens: number, reasoningTokens = 0) => ({
  finishReason: "stop" as const,
  promptTokens,
  completionTokens,
  cachedTokens,
  reasoningTokens,
});

test("a prompt counts once, however many answers it gets, and each prompt counts", () => {
  const ends = [end(5, 10, 4, 2), end(5, 20, 5), end(7, 1, 0), end(7, 2, 6, 1)];
  expect(usageOf(ends, 2)).toEqual({
    prompt_tokens: 12,
    completion_tokens: 33,
    total_tokens: 45,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 3 },
  });
  expect(usageOf(ends.slice(0, 2)).prompt_tokens).toBe(5);
});
