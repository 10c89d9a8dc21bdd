import { integers } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { scope } from "../core/scope.ts";
import { asyncEval } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { PagedCache } from "../models/paged-cache.ts";
import type { AdapterBank } from "../tuner/adapter-bank.ts";
import { type ChoosingText, choose, type TextChoice } from "./choose-tokens.ts";
import type { GeneratedToken } from "./generate.ts";
import { allows, firstAllowed, type TokenConstraint } from "./grammar/token-constraint.ts";
import { PrefixCache } from "./prefix-cache.ts";
import { Sampler, type Sampling } from "./sampler.ts";

// L tokens of a pass, of all texts

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

export interface SchedulerOptions {
  /** Pages of the cache, `PagedCache.pageSize` tokens each. */
  maxPages: number;
  /** Texts that are computed together. */
  maxTexts?: number;
  /** Tokens of prompts that one pass takes. */
  prefillStepSize?: number;
  /** Pages at most for what was computed of texts, in case later ones begin alike; 0: none. Default: half of all. */
  maxPrefixPages?: number;
  /** The adapters that requests may name. */
  adapters?: AdapterBank | undefined;
}

export interface TextToken extends GeneratedToken {
  /** Which text it continues. */
  text: number;
  /** The text has ended. */
  isLast: boolean;
  /** With the first token: how much of the prompt was known before. */
  cachedTokens?: number;
}

interface RunningText extends ChoosingText {
  id: number;
  request: TextRequest;
  adapter: string;
  /** The prompt, and the tokens that were chosen. */
  tokens: number[];
  /** Tokens of the prompt that were known. */
  cached: number;
  /** Tokens in the cache. */
  past: number;
  pages: number[];
  /** Pages that it may still need. */
  reserved: number;
}

/** Instead of the logarithm of 0, which JSON has not. */
const leastLogprob = -9999;

/** Fewer tokens are computed again rather than copied with their page. */
const smallestCopy = 8;

/**
 * Continuous batching: each pass through the model takes the next token of every running text and a part of the prompts that wait,
 * so texts come and go at any time and the weights are read once for all. What a text says does not depend on the others.
 * Yu et al. 2022 (Orca); prompts in parts: Agrawal et al. 2023, arXiv:2308.16369.
 */
export class BatchScheduler {
  readonly #model: LanguageModel;
  readonly #cache: PagedCache;
  readonly #prefixes: PrefixCache | undefined;
  readonly #options: Required<Pick<SchedulerOptions, "maxTexts" | "prefillStepSize">> &
    Pick<SchedulerOptions, "adapters">;
  readonly #waiting: { id: number; request: TextRequest }[] = [];
  #running: RunningText[] = [];
  readonly #ended = new Set<number>();
  #lastId = 0;
  /** What the latest pass was for: see `AdapterBank.passOf`. */
  #lastPass = "";
  /** Tokens of the prompts so far, of these known before and computed, and tokens of answers. */
  readonly counts = { promptTokens: 0, cachedTokens: 0, computedTokens: 0, generatedTokens: 0 };

  constructor(model: LanguageModel, options: SchedulerOptions) {
    const { maxPages, maxTexts = 64, prefillStepSize = 512, adapters } = options;
    const { maxPrefixPages = Math.floor(maxPages / 2) } = options;
    this.#model = model;
    this.#cache = new PagedCache(model.blocks.length, maxPages);
    this.#prefixes = maxPrefixPages > 0 ? new PrefixCache(this.#cache, maxPrefixPages) : undefined;
    this.#options = { maxTexts, prefillStepSize, adapters };
  }

  /** Whether a text of so many tokens, prompt and answer, can ever be computed. */
  fits(tokens: number): boolean {
    return PagedCache.pagesFor(tokens) <= this.#cache.maxPages;
  }

  /** A text to continue; its tokens come from `step` under the number that this returns. */
  add(request: TextRequest): number {
    if (request.prompt.length === 0) throw new Error("a prompt has at least one token");
    if (!this.fits(request.prompt.length + request.maxTokens))
      throw new Error("the text is longer than the cache: ask fits first");
    const id = ++this.#lastId;
    this.#waiting.push({ id, request });
    return id;
  }

  /** No more tokens of this text are wanted. */
  end(id: number): void {
    const place = this.#waiting.findIndex((each) => each.id === id);
    if (place < 0) this.#ended.add(id);
    else for (const { request } of this.#waiting.splice(place, 1)) request.constraint?.dispose();
  }

  get runningTexts(): number {
    return this.#running.length;
  }
  get waitingTexts(): number {
    return this.#waiting.length;
  }
  get isIdle(): boolean {
    return this.#running.length === 0 && this.#waiting.length === 0;
  }
  /** What the cache takes now. */
  get cacheBytes(): number {
    return this.#cache.nbytes;
  }

  /** One pass: the next token of each text whose prompt is computed. A text whose last token comes ends by itself. */
  async step(): Promise<TextToken[]> {
    this.#removeEnded();
    this.#admit();
    const batch = this.#nextPass();
    if (batch.length === 0) return [];
    const due = batch.filter(({ text, count }) => text.past + count === text.tokens.length);
    for (const { text } of due) text.mask = await text.request.constraint?.mask();
    const choices = scope(() =>
      this.#compute(
        batch,
        due.map(({ text }) => text),
      ),
    );
    const state = due.flatMap(({ text: { sampler, draws } }) => [...sampler.state, draws.state]);
    await asyncEval(
      choices.map(({ choice }) => choice),
      this.#cache.state,
      state,
    );
    for (const { text, count } of batch) this.#advance(text, count);
    return choices.flatMap((each) => this.#take(each));
  }

  /** Forgets what was computed with an adapter. */
  forget(adapter: string): void {
    this.#prefixes?.forget(adapter);
  }

  dispose(): void {
    for (const text of this.#running) this.#ended.add(text.id);
    this.#removeEnded();
    for (const { request } of this.#waiting.splice(0)) request.constraint?.dispose();
    this.#cache.dispose();
  }

  #removeEnded(): void {
    if (this.#ended.size === 0) return;
    const leaving = this.#running.filter(({ id }) => this.#ended.has(id));
    this.#running = this.#running.filter(({ id }) => !this.#ended.has(id));
    this.#ended.clear();
    for (const text of leaving) {
      this.#prefixes?.add(text.adapter, text.tokens.slice(0, text.past), text.pages);
      for (const page of text.pages) this.#cache.release(page);
      text.sampler.dispose();
      text.draws.dispose();
      text.request.constraint?.dispose();
    }
  }

  /** Takes in texts in the order in which they came, as long as all that they may need is free. */
  #admit(): void {
    while (this.#running.length < this.#options.maxTexts) {
      const [next] = this.#waiting;
      if (!next) return;
      const { prompt, maxTokens, adapter = "" } = next.request;
      const known = this.#prefixes?.find(adapter, prompt) ?? { pages: [] };
      const needed = PagedCache.pagesFor(prompt.length + maxTokens - 1) - known.pages.length;
      for (const page of known.pages) this.#cache.share(page);
      if (needed > this.#availablePages()) {
        for (const page of known.pages) this.#cache.release(page);
        return;
      }
      this.#waiting.shift();
      const text: RunningText = {
        ...next,
        adapter,
        tokens: [...prompt],
        cached: 0,
        past: known.pages.length * PagedCache.pageSize,
        pages: [...known.pages],
        reserved: needed,
        sampler: this.#sampler(next.request, prompt),
        draws: new random.Sequence(next.request.seed),
        mask: undefined,
      };
      if (known.tail && known.tail.count >= smallestCopy) this.#copyTail(text, known.tail);
      text.cached = text.past;
      this.counts.cachedTokens += text.past;
      this.counts.promptTokens += prompt.length;
      this.#running.push(text);
    }
  }

  /** For a text with these tokens so far. */
  #sampler(
    { sampling, prompt, endIds = [], minTokens = 0, constraint }: TextRequest,
    tokens: readonly number[],
  ): Sampler {
    const mayEnd = constraint !== undefined || tokens.length - prompt.length >= minTokens;
    const never = endIds.map((id) => [id, Number.NEGATIVE_INFINITY] as const);
    const logitBias = mayEnd ? sampling.logitBias : new Map([...sampling.logitBias, ...never]);
    const sampler = new Sampler({ ...sampling, logitBias }, this.#model.config.vocab_size);
    sampler.begin(tokens);
    return sampler;
  }

  #availablePages(): number {
    const reserved = this.#running.reduce((sum, text) => sum + text.reserved, 0);
    return this.#cache.freePages + (this.#prefixes?.evictablePages ?? 0) - reserved;
  }

  #copyTail(text: RunningText, { page, count }: { page: number; count: number }): void {
    this.#cache.share(page); // or it might be the one to go
    const own = this.#takePage(text);
    this.#cache.copyPage(page, own);
    this.#cache.release(page);
    text.past += count;
  }

  #takePage(text: RunningText): number {
    if (this.#cache.freePages === 0) this.#prefixes?.evict();
    const page = this.#cache.take();
    text.pages.push(page);
    text.reserved--;
    return page;
  }

  /** Every text that goes on with one token, and parts of the prompts that came first; ordered by adapter. */
  #nextPass(): { text: RunningText; count: number }[] {
    let room = this.#options.prefillStepSize;
    const batch = this.#textsOfPass().flatMap((text) => {
      const left = text.tokens.length - text.past;
      const count = left === 1 ? 1 : Math.min(left, room);
      if (left > 1) room -= count;
      return count > 0 ? [{ text, count }] : [];
    });
    for (const { text, count } of batch) {
      while (text.pages.length < PagedCache.pagesFor(text.past + count)) this.#takePage(text);
    }
    return batch.sort((a, b) => (a.text.adapter < b.text.adapter ? -1 : a.text.adapter > b.text.adapter ? 1 : 0));
  }

  /** Adapters that cannot share a pass take turns. */
  #textsOfPass(): readonly RunningText[] {
    const { adapters } = this.#options;
    if (!adapters) return this.#running;
    const passes = [...new Set(this.#running.map(({ adapter }) => adapters.passOf(adapter)))].sort();
    this.#lastPass = passes.find((pass) => pass > this.#lastPass) ?? passes[0] ?? "";
    return this.#running.filter(({ adapter }) => adapters.passOf(adapter) === this.#lastPass);
  }

  #compute(
    batch: readonly { text: RunningText; count: number }[],
    due: readonly RunningText[],
  ): TextChoice<RunningText>[] {
    this.#options.adapters?.begin(batch.map(({ text: { adapter }, count }) => ({ adapter, count })));
    this.#cache.begin(batch.map(({ text: { past, pages }, count }) => ({ count, past, pages })));
    const ids = batch.flatMap(({ text: { tokens, past }, count }) => tokens.slice(past, past + count));
    const hidden = this.#model.hidden(integers(ids, [1, ids.length]), this.#cache.layers); // [1, L, D]
    if (due.length === 0) return [];
    let end = 0;
    const lastPlaces = batch.flatMap(({ text, count }) => {
      end += count;
      return due.includes(text) ? [end - 1] : [];
    });
    const last = due.length === ids.length ? hidden : hidden.take(integers(lastPlaces), 1);
    return choose(this.#model.logits(last.squeeze(0)), due);
  }

  #advance(text: RunningText, count: number): void {
    const { length } = text.request.prompt;
    const wasPrompt = text.past < length;
    if (wasPrompt) this.counts.computedTokens += count;
    text.past += count;
    if (!wasPrompt || text.past < length) return;
    const full = Math.floor(length / PagedCache.pageSize) * PagedCache.pageSize;
    if (full > 0) this.#prefixes?.add(text.adapter, text.tokens.slice(0, full), text.pages);
  }

  #take({ texts, choice: { ids, logprobs, top } }: TextChoice<RunningText>): TextToken[] {
    const [allIds, allLogprobs] = [ids.toArray(), logprobs.toArray()];
    const [topIds, topLogprobs] = [top?.ids.toArray() ?? [], top?.logprobs.toArray() ?? []];
    for (const tensor of [ids, logprobs, top?.ids, top?.logprobs]) tensor?.dispose();
    return texts.map((text, i) => {
      const token = this.#append(text, allIds[i] ?? 0, allLogprobs[i] ?? Number.NaN);
      if (!top) return token;
      const each = topIds
        .map((topId, j) => ({ id: topId, logprob: topLogprobs[j] ?? Number.NaN }))
        .filter((one) => Number.isFinite(one.logprob)); // a mask may leave fewer
      return { ...token, top: each.sort((a, b) => b.logprob - a.logprob) };
    });
  }

  #append(text: RunningText, chosen: number, logprobOfChosen: number): TextToken {
    const { prompt, maxTokens, minTokens = 0, endIds, constraint } = text.request;
    // Where penalties took all that a mask had left, any of it comes.
    const isAllowed = !text.mask || allows(text.mask, chosen);
    const [id, logprob] = isAllowed ? [chosen, logprobOfChosen] : [firstAllowed(text.mask), leastLogprob];
    constraint?.accept(id);
    text.tokens.push(id);
    this.counts.generatedTokens++;
    const generated = text.tokens.length - prompt.length;
    if (generated === minTokens) {
      text.sampler.dispose();
      text.sampler = this.#sampler(text.request, text.tokens);
    }
    const isLast = generated >= maxTokens || (endIds?.includes(id) ?? false);
    if (isLast) this.#ended.add(text.id);
    return { text: text.id, id, logprob, isLast, ...(generated === 1 && { cachedTokens: text.cached }) };
  }
}
