import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { GeneratedToken } from "./generate.ts";
import { StopMatcher } from "./stop.ts";

/** What ends an answer. */
export interface EndOptions {
  /** Strings that end the answer and are not part of it. */
  stop?: readonly string[];
  /** Tokens that end the answer; default: the tokenizer's own. */
  endIds?: Iterable<number>;
  /** Tokens that end the answer beside those. */
  extraEosTokenIds?: readonly number[];
}

/** Tokens of one answer as they come, its text as far as it is certain, and whether it has ended. */
export class AnswerText {
  readonly #ends: ReadonlySet<number>;
  readonly #detokenizer: ReturnType<Tokenizer["detokenizer"]>;
  readonly #matcher: StopMatcher;
  /** With the token that ended the answer, if one did. */
  readonly tokenIds: number[] = [];
  /** Natural log of each token's probability. */
  readonly logprobs: number[] = [];
  /** The likeliest tokens in each one's place, where they were asked for. */
  readonly top: { id: number; logprob: number }[][] = [];
  text = "";
  hasEnded = false;

  constructor(tokenizer: Tokenizer, { stop = [], endIds = tokenizer.eosTokenIds, extraEosTokenIds = [] }: EndOptions) {
    this.#ends = new Set([...endIds, ...extraEosTokenIds]);
    this.#detokenizer = tokenizer.detokenizer();
    this.#matcher = new StopMatcher(stop);
  }

  /** The stop string that ended the answer, if one did. */
  get stopString(): string | undefined {
    return this.#matcher.found;
  }

  /** Takes a token and returns the text that is now certain. */
  add({ id, logprob, top }: GeneratedToken): string {
    this.tokenIds.push(id);
    if (top) this.top.push(top);
    this.logprobs.push(logprob);
    const isEnd = this.#ends.has(id);
    const text = isEnd ? "" : this.#matcher.add(this.#detokenizer.add(id));
    this.hasEnded = isEnd || this.#matcher.stopped;
    this.text += text;
    return text;
  }

  /** The rest of the text, when no more tokens come. */
  finish(): string {
    const rest = this.#matcher.stopped ? "" : this.#matcher.add(this.#detokenizer.finish()) + this.#matcher.finish();
    this.text += rest;
    return rest;
  }
}
