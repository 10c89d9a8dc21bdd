import type { ChoosingText } from "./choose-tokens.ts";
import type { DraftedText } from "./draft.ts";
import type { TokenConstraint } from "./grammar/token-constraint.ts";
import type { Sampling } from "./sampler.ts";
import type { PagedText } from "./text-pages.ts";

export interface TextRequest {
  /** At least one id. */
  prompt: readonly number[];
  sampling: Sampling;
  /** The text draws as if it were alone with this seed. */
  seed: number;
  maxTokens: number;
  /** Which adapter computes it; "" is the base model. */
  adapter?: string;
  /** Tokens that end it. */
  endIds?: readonly number[];
  /** So many tokens come before one of those can. */
  minTokens?: number;
  /** What its tokens follow, and when it may end instead of `minTokens`; goes with the text. */
  constraint?: TokenConstraint | undefined;
}

/** A text that waits; what came before that, if it had to make room. */
export interface WaitingText {
  id: number;
  request: TextRequest;
  begun?: RunningText;
}

export interface RunningText extends ChoosingText, PagedText, DraftedText {
  id: number;
  request: TextRequest;
  /** The prompt, and the tokens that were chosen. */
  tokens: number[];
  /** Tokens of the prompt that were known. */
  cached: number;
}

/** What a text that is no longer wanted has. */
export function release({ request, begun }: WaitingText): void {
  begun?.sampler.dispose();
  begun?.draws.dispose();
  request.constraint?.dispose();
}
