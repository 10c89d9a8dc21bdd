import { integers } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { PagedCache } from "../models/paged-cache.ts";
import type { AdapterBank } from "../tuner/adapter-bank.ts";
import { choose, readChoices, type TextChoice } from "./choose-tokens.ts";
import { Draft, type DraftOptions } from "./draft.ts";
import type { GeneratedToken } from "./generate.ts";
import { allows, firstAllowed } from "./grammar/token-constraint.ts";
import { isDue, type Part, placesOf, type Row, rowsOf, tokensOf } from "./pass.ts";
import { type RunningText, release, type TextRequest, type WaitingText } from "./running-text.ts";
import { Sampler } from "./sampler.ts";
import { TextPages } from "./text-pages.ts";

// L tokens of a pass, of all texts

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
  /** Guesses tokens while few texts run. */
  draft?: DraftOptions | undefined;
}

export interface TextToken extends GeneratedToken {
  /** Which text it continues. */
  text: number;
  /** The text has ended. */
  isLast: boolean;
  /** With the first token: how much of the prompt was known before. */
  cachedTokens?: number;
}

/** Instead of the logarithm of 0, which JSON has not. */
const leastLogprob = -9999;

/**
 * Continuous batching: each pass through the model takes the next token of every running text and a part of the prompts that wait,
 * so texts come and go at any time and the weights are read once for all. What a text says does not depend on the others. Where the
 * cache gets short, those that came last wait until there is room again.
 * Yu et al. 2022 (Orca); prompts in parts: Agrawal et al. 2023, arXiv:2308.16369.
 */
export class BatchScheduler {
  readonly #model: LanguageModel;
  readonly #cache: PagedCache;
  readonly #pages: TextPages;
  readonly #draft: Draft | undefined;
  readonly #options: Required<Pick<SchedulerOptions, "maxTexts" | "prefillStepSize">> &
    Pick<SchedulerOptions, "adapters">;
  readonly #waiting: WaitingText[] = []; // in the order in which they came, and so are those that run
  #running: RunningText[] = [];
  readonly #ended = new Set<number>();
  #lastId = 0;
  /** What the latest pass was for: see `AdapterBank.passOf`. */
  #lastPass = "";
  /** Tokens of the prompts so far, of these known before and computed; tokens of answers; tokens guessed, and those guessed right. */
  readonly counts = {
    ...{ promptTokens: 0, cachedTokens: 0, computedTokens: 0 },
    ...{ generatedTokens: 0, guessedTokens: 0, acceptedTokens: 0 },
  };

  constructor(model: LanguageModel, options: SchedulerOptions) {
    const { maxPages, maxTexts = 64, prefillStepSize = 512, adapters, draft } = options;
    const { maxPrefixPages = Math.floor(maxPages / 2) } = options;
    this.#model = model;
    const { length } = model.blocks;
    this.#cache = new PagedCache(length + (draft?.model.blocks.length ?? 0), maxPages);
    this.#draft = draft && new Draft(draft, this.#cache, length);
    this.#pages = new TextPages(this.#cache, maxPrefixPages);
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

  /** No more tokens of this text are wanted: none come with later passes. */
  end(id: number): void {
    const place = this.#waiting.findIndex((each) => each.id === id);
    if (place < 0) this.#ended.add(id);
    else for (const text of this.#waiting.splice(place, 1)) release(text);
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
    const due = batch.filter(isDue);
    for (const { text } of due) text.mask = await text.request.constraint?.mask();
    const rows = due.map((part) => ({ ...part, rows: rowsOf(part) }));
    const { choices, guesses } = scope(() =>
      this.#compute(
        batch,
        rows.flatMap((part) => part.rows),
      ),
    );
    const state = rows.flatMap((part) => part.rows).flatMap(({ sampler, draws }) => [...sampler.state, draws.state]);
    await asyncEval(
      choices.map(({ choice }) => choice),
      guesses,
      this.#cache.state,
      state,
    );
    const guessed = guesses?.toArray() ?? [];
    guesses?.dispose();
    for (const { text, count } of batch) this.#advance(text, count);
    const chosen = new Map(readChoices(choices));
    return rows.flatMap((part) => this.#continue(part, chosen, guessed.splice(0, part.guesses)));
  }

  /** Forgets what was computed with an adapter. */
  forget(adapter: string): void {
    this.#pages.forget(adapter);
  }

  dispose(): void {
    for (const text of this.#running) this.#ended.add(text.id);
    this.#removeEnded();
    for (const text of this.#waiting.splice(0)) release(text);
    this.#cache.dispose();
  }

  #removeEnded(): void {
    if (this.#ended.size === 0) return;
    const leaving = this.#running.filter(({ id }) => this.#ended.has(id));
    this.#running = this.#running.filter(({ id }) => !this.#ended.has(id));
    this.#ended.clear();
    for (const text of leaving) {
      this.#pages.end(text);
      release({ ...text, begun: text });
    }
  }

  /** Takes in texts in the order in which they came, as long as each of all has room to grow. */
  #admit(): void {
    while (this.#running.length < this.#options.maxTexts) {
      const [next] = this.#waiting;
      if (!next) return;
      const text = next.begun ?? this.#begun(next);
      const wanted = this.#running.map(({ tokens, pages }) => PagedCache.pagesFor(tokens.length + 1) - pages.length);
      const isIn = this.#pages.begin(
        text,
        wanted.reduce((sum, count) => sum + count, 0),
      );
      next.begun = text;
      if (!isIn) return;
      text.draftPast = text.past;
      this.#waiting.shift();
      this.#running.push(text);
      if (text.tokens.length > next.request.prompt.length) continue;
      text.cached = text.past;
      this.counts.cachedTokens += text.past;
      this.counts.promptTokens += next.request.prompt.length;
    }
  }

  #begun({ id, request }: WaitingText): RunningText {
    const { prompt, seed, adapter = "" } = request;
    const sampler = this.#sampler(request, prompt);
    const draws = new random.Sequence(seed);
    const own = { id, request, adapter, tokens: [...prompt], sampler, draws };
    return { ...own, mask: undefined, cached: 0, past: 0, pages: [], draftPast: 0 };
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

  /** Every text that goes on with one token, and parts of the prompts that came first; ordered by adapter. */
  #nextPass(): Part[] {
    const texts = this.#textsOfPass();
    const guessed = this.#textsToGuess(texts);
    const guesses = guessed.some((text) => this.#draft?.isBehind(text)) ? 0 : (this.#draft?.tokens ?? 0);
    let room = this.#options.prefillStepSize;
    const batch = texts.flatMap((text) => {
      const left = text.tokens.length - text.past;
      const count = left === 1 ? 1 : Math.min(left, room);
      if (left > 1) room -= count;
      return count > 0 ? [{ text, count, guesses: guessed.includes(text) ? guesses : 0 }] : [];
    });
    return batch
      .filter((part) => this.#running.includes(part.text) && this.#makeRoom(part))
      .sort((a, b) => (a.text.adapter < b.text.adapter ? -1 : a.text.adapter > b.text.adapter ? 1 : 0));
  }

  /** Those that a draft can guess: the choices after a guess must be those that came without it. */
  #textsToGuess(texts: readonly RunningText[]): RunningText[] {
    const { tokens = 0 } = this.#draft ?? {};
    if (!this.#draft?.paysFor(texts.length)) return [];
    return texts.filter(({ request, tokens: { length }, past, sampler }) => {
      const { prompt, maxTokens, minTokens = 0, constraint } = request;
      const generated = length - prompt.length;
      const isFree = !constraint && sampler.isStateless && generated >= minTokens;
      return isFree && length - past === 1 && maxTokens - generated > tokens;
    });
  }

  /** Pages for the next tokens of a text, taken from those that came last; false if it is among them. */
  #makeRoom({ text, count, guesses }: Part): boolean {
    while (!this.#pages.grow(text, text.past + count + guesses)) {
      const last = this.#running.pop();
      if (!last) throw new Error("a text that fits has pages when it is alone");
      this.#pages.end(last);
      this.#waiting.unshift({ id: last.id, request: last.request, begun: last });
      if (last === text) return false;
    }
    return true;
  }

  /** Adapters that cannot share a pass take turns. */
  #textsOfPass(): readonly RunningText[] {
    const { adapters } = this.#options;
    if (!adapters) return this.#running;
    const passes = [...new Set(this.#running.map(({ adapter }) => adapters.passOf(adapter)))].sort();
    this.#lastPass = passes.find((pass) => pass > this.#lastPass) ?? passes[0] ?? "";
    return this.#running.filter(({ adapter }) => adapters.passOf(adapter) === this.#lastPass);
  }

  /** guesses: of all parts that have some, one after the other. */
  #compute(parts: readonly Part[], rows: readonly Row[]): { choices: TextChoice<Row>[]; guesses: Tensor | undefined } {
    const guessed = parts.filter(({ guesses }) => guesses > 0).map(({ text }) => text);
    const guesses = guessed.length > 0 ? this.#draft?.guess(guessed, this.#model.config.vocab_size) : undefined;
    this.#draft?.follow(this.#textsToGuess(parts.map(({ text }) => text)), this.#options.prefillStepSize);
    const all = parts.map((part) => ({ ...part, count: part.count + part.guesses }));
    this.#options.adapters?.begin(all.map(({ text: { adapter }, count }) => ({ adapter, count })));
    this.#cache.begin(all.map(({ text: { past, pages }, count }) => ({ count, past, pages })));
    const ids = tokensOf(parts, guesses); // [1, L]
    const hidden = this.#model.hidden(ids, this.#cache.layers.slice(0, this.#model.blocks.length)); // [1, L, D]
    const flat = guesses?.reshape(guesses.size);
    if (rows.length === 0) return { choices: [], guesses: flat };
    const places = placesOf(parts);
    const last = places.length === ids.size ? hidden : hidden.take(integers(places), 1);
    return { choices: choose(this.#model.logits(last.squeeze(0)), rows), guesses: flat };
  }

  #advance(text: RunningText, count: number): void {
    const { length } = text.request.prompt;
    const wasPrompt = text.past < length;
    if (wasPrompt) this.counts.computedTokens += count;
    text.past += count;
    if (!wasPrompt || text.past < length) return;
    this.#pages.keepFull(text, length);
  }

  /** The tokens of a text that a pass chose: as long as they were guessed, those after them hold. */
  #continue(
    { text, rows }: { text: RunningText; rows: readonly Row[] },
    chosen: ReadonlyMap<Row, GeneratedToken>,
    guesses: readonly number[],
  ): TextToken[] {
    const tokens: TextToken[] = [];
    for (const [i, row] of rows.entries()) {
      const token = this.#append(text, chosen.get(row) ?? { id: 0, logprob: Number.NaN });
      tokens.push(token);
      if (token.isLast || token.id !== guesses[i]) break;
    }
    const accepted = tokens.length - 1;
    text.past += accepted;
    text.draftPast = Math.min(text.draftPast, text.tokens.length - 1);
    this.counts.guessedTokens += guesses.length;
    this.counts.acceptedTokens += accepted;
    const { draws } = rows[accepted] ?? text;
    for (const other of [text, ...rows]) if (other.draws !== draws) other.draws.dispose();
    text.draws = draws;
    return tokens;
  }

  #append(text: RunningText, chosen: GeneratedToken): TextToken {
    const { prompt, maxTokens, minTokens = 0, endIds, constraint } = text.request;
    // Where penalties took all that a mask had left, any of it comes.
    const isAllowed = !text.mask || allows(text.mask, chosen.id);
    const token = isAllowed ? chosen : { ...chosen, id: firstAllowed(text.mask), logprob: leastLogprob };
    const { id } = token;
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
    return { text: text.id, ...token, isLast, ...(generated === 1 && { cachedTokens: text.cached }) };
  }
}
