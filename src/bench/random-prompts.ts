import { UserError } from "../protocol/user-error.ts";
import type { RandomNumbers } from "./random-numbers.ts";

/** What a request asks: a text, or a conversation. */
export interface Prompt {
  text?: string | undefined;
  messages?: readonly unknown[] | undefined;
  /** How many tokens it has on the server, with all that a chat template adds; undefined where nobody knows before it is sent. */
  tokens: number | undefined;
}

/** Where prompts come from. */
export interface PromptSource {
  take(count: number): Promise<Prompt[]>;
  /** Told how many tokens the server counted in a prompt of this source. */
  correct?(prompt: Prompt, counted: number): void;
}

/** Words to make prompts of, and what a prompt of them weighs. */
export interface Vocabulary {
  /** Each is one token after another word, as a rule. */
  words: readonly string[];
  text(words: readonly string[]): string;
  /** Tokens of a request with this text. */
  count(words: readonly string[]): Promise<number>;
}

export interface PromptLengths {
  /** Tokens that all prompts begin with, beyond their length. */
  prefix: number;
  min: number;
  max: number;
}

const maxRounds = 200;

/** Random words, in prompts of exactly so many tokens. */
export class RandomPrompts implements PromptSource {
  readonly #prefix: readonly string[];
  /** What the server counts beyond what the vocabulary knows: a system prompt of its own, an open thought. */
  #unseenTokens = 0;

  constructor(
    readonly vocabulary: Vocabulary,
    readonly lengths: PromptLengths,
    readonly random: RandomNumbers,
  ) {
    this.#prefix = this.#words(lengths.prefix);
  }

  async take(count: number): Promise<Prompt[]> {
    const { min, max, prefix } = this.lengths;
    const prompts: Prompt[] = [];
    for (let i = 0; i < count; i++) {
      const tokens = prefix + min + this.random.below(max - min + 1);
      prompts.push({ text: await this.#textOf(tokens), tokens });
    }
    return prompts;
  }

  correct(prompt: Prompt, counted: number): void {
    if (prompt.tokens !== undefined) this.#unseenTokens += counted - prompt.tokens;
  }

  /** Puts words to the text or takes them away until it has so many tokens: some words join with their neighbours. */
  async #textOf(tokens: number): Promise<string> {
    const wanted = tokens - this.#unseenTokens;
    const { vocabulary } = this;
    let words: string[] = [];
    for (let round = 0; round < maxRounds; round++) {
      const found = await vocabulary.count([...this.#prefix, ...words]);
      if (found === wanted) return vocabulary.text([...this.#prefix, ...words]);
      if (found > wanted && words.length === 0) {
        throw new UserError("bench/prompt-too-short", { given: tokens, least: found + 1 + this.#unseenTokens });
      }
      if (found < wanted) words = [...words, ...this.#words(wanted - found)];
      else words = words.slice(0, Math.max(0, words.length - (found - wanted)));
    }
    throw new UserError("bench/no-exact-length", { tokens });
  }

  #words(count: number): string[] {
    return Array.from({ length: count }, () => this.random.pick(this.vocabulary.words));
  }
}
