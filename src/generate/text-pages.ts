import { PagedCache } from "../models/paged-cache.ts";
import { PrefixCache } from "./prefix-cache.ts";

/** A text and what it has of a cache. */
export interface PagedText {
  /** What it is computed with; "" is the base model. */
  adapter: string;
  tokens: readonly number[];
  /** Tokens in the cache. */
  past: number;
  pages: number[];
}

/** Fewer tokens are computed again rather than copied with their page. */
const smallestCopy = 8;

/** Shares the pages of a cache among the texts that are computed and what is kept of earlier ones, which gives way. */
export class TextPages {
  readonly #cache: PagedCache;
  readonly #prefixes: PrefixCache | undefined;

  /** maxPrefixPages: for what is kept of earlier texts, at most; 0: none. */
  constructor(cache: PagedCache, maxPrefixPages: number) {
    this.#cache = cache;
    this.#prefixes = maxPrefixPages > 0 ? new PrefixCache(cache, maxPrefixPages) : undefined;
  }

  /** Pages that texts can still get. */
  get available(): number {
    return this.#cache.freePages + (this.#prefixes?.evictablePages ?? 0);
  }

  /** Gives a text the pages of what is known of it, if `spare` pages are left once it has pages for all of its tokens. */
  begin(text: PagedText, spare: number): boolean {
    const known = this.#prefixes?.find(text.adapter, text.tokens) ?? { pages: [] };
    const needed = PagedCache.pagesFor(text.tokens.length) - known.pages.length;
    for (const page of known.pages) this.#cache.share(page);
    if (needed + spare > this.available) {
      for (const page of known.pages) this.#cache.release(page);
      return false;
    }
    text.pages = [...known.pages];
    text.past = known.pages.length * PagedCache.pageSize;
    if (known.tail && known.tail.count >= smallestCopy) this.#copyTail(text, known.tail);
    return true;
  }

  /** Pages for so many tokens; false when there are too few, and the text has what there was. */
  grow(text: PagedText, tokens: number): boolean {
    while (text.pages.length < PagedCache.pagesFor(tokens)) {
      while (this.#cache.freePages === 0) if (!this.#prefixes?.evict()) return false;
      text.pages.push(this.#cache.take());
    }
    return true;
  }

  /** Keeps the full pages of a text's first tokens, which are computed, for others that begin so. */
  keepFull({ adapter, tokens, pages }: PagedText, count: number): void {
    const full = Math.floor(count / PagedCache.pageSize) * PagedCache.pageSize;
    if (full > 0) this.#prefixes?.add(adapter, tokens.slice(0, full), pages);
  }

  /** Takes a text's pages from it, and keeps what is computed of it. */
  end(text: PagedText): void {
    this.#prefixes?.add(text.adapter, text.tokens.slice(0, text.past), text.pages);
    for (const page of text.pages) this.#cache.release(page);
    text.pages = [];
    text.past = 0;
  }

  /** Forgets what was computed with an adapter. */
  forget(adapter: string): void {
    this.#prefixes?.forget(adapter);
  }

  #copyTail(text: PagedText, { page, count }: { page: number; count: number }): void {
    this.#cache.share(page); // or it might be the one to go
    if (this.grow(text, text.past + count)) {
      this.#cache.copyPage(page, text.pages.at(-1) ?? page);
      text.past += count;
    }
    this.#cache.release(page);
  }
}
