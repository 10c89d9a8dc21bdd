import type { AnswerToken } from "./answer.ts";

/** How likely a token was, as chat completions and responses say it. */
export function openAiLogprob({ text, bytes, logprob, top }: AnswerToken): object {
  return {
    token: text,
    logprob,
    bytes,
    top_logprobs: top.map((each) => ({ token: each.text, logprob: each.logprob, bytes: each.bytes })),
  };
}
