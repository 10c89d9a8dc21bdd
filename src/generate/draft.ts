import { concatenate, integers } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { PagedCache } from "../models/paged-cache.ts";

// R texts · n tokens that are guessed of each · V vocabulary

/** A small model with the same tokens, which guesses what the large one will say. */
export interface DraftOptions {
  model: LanguageModel;
  /** Tokens that it guesses at a time. */
  tokens: number;
}

/** A text that a draft follows. */
export interface DraftedText {
  tokens: readonly number[];
  /** Pages of the cache, in which the draft has layers of its own. */
  pages: number[];
  /** Tokens that the draft has in the cache. */
  draftPast: number;
}

/** Beyond so many tokens a draft catches up with a text first. */
const mostBehind = 8;
/** Rows of a pass for guesses and what they follow: so many cost little more than one where memory is what limits. */
const mostRows = 16;

/** Guesses the next tokens of texts for a model to check all in one pass. Leviathan et al. 2023, arXiv:2211.17192. */
export class Draft {
  readonly #model: LanguageModel;
  readonly #cache: PagedCache;
  readonly #firstLayer: number;
  /** Tokens that it guesses at a time. */
  readonly tokens: number;

  /** Its layers of the cache are those from `firstLayer` on. */
  constructor({ model, tokens }: DraftOptions, cache: PagedCache, firstLayer: number) {
    this.#model = model;
    this.tokens = tokens;
    this.#cache = cache;
    this.#firstLayer = firstLayer;
  }

  /** Whether guessing pays for so many texts at once. */
  paysFor(texts: number): boolean {
    return texts > 0 && texts * (this.tokens + 1) <= mostRows;
  }

  /** Whether it must compute more tokens of a text before it guesses. */
  isBehind({ tokens, draftPast }: DraftedText): boolean {
    return tokens.length - draftPast > mostBehind;
  }

  /** Computes at most `room` tokens of the texts that it is behind with; evaluate the cache after it. */
  follow(texts: readonly DraftedText[], room: number): void {
    let left = room;
    const late = texts.flatMap((text) => {
      const count = this.isBehind(text) ? Math.min(text.tokens.length - 1 - text.draftPast, left) : 0;
      left -= count;
      return count > 0 ? [{ text, count }] : [];
    });
    if (late.length === 0) return;
    const ids = late.flatMap(({ text: { tokens, draftPast: past }, count }) => tokens.slice(past, past + count));
    this.#hidden(integers(ids, [1, ids.length]), late);
    for (const { text, count } of late) text.draftPast += count;
  }

  /** The likeliest next tokens of each text by this model: [R, n], of the first `vocabularySize` ids. */
  guess(texts: readonly DraftedText[], vocabularySize: number): Tensor {
    const parts = texts.map((text) => ({ text, count: text.tokens.length - text.draftPast }));
    let ids = integers(texts.flatMap(({ tokens, draftPast }) => tokens.slice(draftPast))).expandDims(0);
    let end = -1;
    const ends = parts.map(({ count }) => {
      end += count;
      return end;
    });
    let places = integers(ends);
    const guesses: Tensor[] = [];
    for (let i = 0; i < this.tokens; i++) {
      const hidden = this.#hidden(ids, i === 0 ? parts : texts.map((text) => ({ text, count: 1 })));
      const logits = this.#model.logits(hidden.take(places, 1).squeeze(0)); // [R, V]
      const next = logits
        .slice(1, 0, Math.min(vocabularySize, logits.dim(1)))
        .argmax(-1)
        .astype("int32");
      for (const { text, count } of parts) text.draftPast += i === 0 ? count : 1;
      guesses.push(next.expandDims(1));
      ids = next.expandDims(0);
      places = integers(texts.map((_, row) => row));
    }
    return concatenate(guesses, 1);
  }

  /** [1, L, D] for the next tokens of each text. */
  #hidden(ids: Tensor, parts: readonly { text: DraftedText; count: number }[]): Tensor {
    this.#cache.begin(parts.map(({ text: { draftPast, pages }, count }) => ({ count, past: draftPast, pages })));
    return this.#model.hidden(ids, this.#cache.layers.slice(this.#firstLayer));
  }
}
