import { isFloating } from "../core/dtype.ts";
import { scope } from "../core/scope.ts";
import { BatchScheduler } from "../generate/batch-scheduler.ts";
import type { TokenConstraint } from "../generate/grammar/token-constraint.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { loadModel } from "../models/load.ts";
import { ModelShape } from "../models/memory-estimate.ts";
import { PagedCache } from "../models/paged-cache.ts";
import { UserError } from "../protocol/user-error.ts";
import { AdapterBank } from "../tuner/adapter-bank.ts";
import { AnswerGrammars } from "./answer-grammars.ts";
import type { EngineOptions, EngineToken, GenerateRequest, ModelStatus } from "./messages.ts";

/** A model in memory with its adapters and the texts that it continues. */
export class ResidentModel {
  readonly #name: string;
  readonly #model: LanguageModel;
  readonly #adapters: AdapterBank;
  readonly #options: Omit<EngineOptions, "memoryBytes">;
  readonly #maxPages: number;
  #scheduler: BatchScheduler;
  /** Which call each text answers, and with which adapter. */
  readonly #texts = new Map<number, { call: number; adapter: string }>();
  /** Under each name the bank's: an adapter that comes again is another one. */
  readonly #keys = new Map<string, string>();
  #loads = 0;
  readonly #grammars: AnswerGrammars;
  /** Calls whose grammars are being compiled. */
  readonly #preparing = new Set<number>();
  lastUsed = Date.now();

  /** freeBytes: what weights and cache may take together. @throws UserError when the folder has no model, or memory is short. */
  constructor(name: string, folder: string, freeBytes: number, options: Omit<EngineOptions, "memoryBytes">) {
    this.#name = name;
    this.#grammars = new AnswerGrammars(folder, () => this.#model.config.vocab_size);
    this.#options = options;
    this.#model = loadModel(folder, options.dtype ? { dtype: options.dtype } : {});
    const left = freeBytes - this.weightBytes;
    this.#maxPages = Math.floor((left * cacheShare) / pageBytes(this.#model));
    if (this.#maxPages < smallestCache) {
      const facts = { model: name, weightBytes: this.weightBytes, freeBytes };
      this.#model.dispose();
      throw new UserError("engine/no-memory", facts);
    }
    this.#adapters = new AdapterBank(this.#model);
    this.#scheduler = this.#newScheduler();
  }

  get weightBytes(): number {
    return Object.values(this.#model.parameters()).reduce((sum, { nbytes }) => sum + nbytes, 0);
  }
  get isIdle(): boolean {
    return this.#scheduler.isIdle && this.#preparing.size === 0;
  }

  status(): ModelStatus {
    const { cacheBytes, runningTexts, waitingTexts, counts } = this.#scheduler;
    const { promptTokens, cachedTokens, generatedTokens } = counts;
    const own = { model: this.#name, adapters: [...this.#keys.keys()], weightBytes: this.weightBytes };
    return { ...own, cacheBytes, runningTexts, waitingTexts, promptTokens, cachedTokens, generatedTokens };
  }

  /** Loads an adapter, in the place of one with its name; returns the calls that this ends. @throws UserError: see `AdapterBank.add`. */
  addAdapter(adapter: string, folder: string): number[] {
    const key = `${adapter}#${++this.#loads}`;
    this.#adapters.add(key, folder);
    const ended = this.removeAdapter(adapter);
    this.#keys.set(adapter, key);
    return ended;
  }

  /** Returns the calls that this ends: those of texts that it was computing. */
  removeAdapter(adapter: string): number[] {
    const key = this.#keys.get(adapter);
    if (key === undefined) return [];
    const ended = [...this.#texts.values()].flatMap((text) => (text.adapter === adapter ? [text.call] : []));
    for (const call of ended) this.cancel(call);
    this.#scheduler.forget(key);
    this.#adapters.remove(key);
    this.#keys.delete(adapter);
    return ended;
  }

  /** A text to continue; its tokens come from `step` under the number of the call. @throws UserError when it cannot be. */
  async generate(call: number, request: GenerateRequest): Promise<void> {
    if (!request.grammar) return this.#add(call, request);
    this.#preparing.add(call);
    try {
      const constraint = await this.#grammars.constraint(request.grammar);
      if (this.#preparing.has(call)) this.#add(call, request, constraint);
      else constraint.dispose();
    } finally {
      this.#preparing.delete(call);
    }
  }

  #add(call: number, { grammar: _, ...request }: GenerateRequest, constraint?: TokenConstraint): void {
    const adapter = this.#keyOf(request.adapter);
    const { length: tokens } = request.prompt;
    const most = this.#maxPages * PagedCache.pageSize;
    if (tokens >= most) throw new UserError("engine/too-long", { tokens, most });
    const maxTokens = Math.min(request.maxTokens, most - tokens);
    const text = this.#scheduler.add({ ...request, adapter, maxTokens, constraint });
    this.#texts.set(text, { call, adapter: request.adapter });
    this.lastUsed = Date.now();
  }

  cancel(call: number): void {
    this.#preparing.delete(call);
    for (const [text, each] of this.#texts) {
      if (each.call !== call) continue;
      this.#texts.delete(text);
      this.#scheduler.end(text);
    }
  }

  /** The next token of each text. */
  async step(): Promise<(EngineToken & { call: number })[]> {
    this.lastUsed = Date.now();
    const tokens = await this.#scheduler.step();
    return tokens.flatMap(({ text, ...token }) => {
      const known = this.#texts.get(text);
      if (token.isLast) this.#texts.delete(text);
      return known ? [{ call: known.call, ...token }] : [];
    });
  }

  /** Gives up all texts; returns their calls. */
  reset(): number[] {
    const calls = [...[...this.#texts.values()].map(({ call }) => call), ...this.#preparing];
    this.#texts.clear();
    this.#preparing.clear();
    this.#scheduler.dispose();
    this.#scheduler = this.#newScheduler();
    return calls;
  }

  /** Runs `body` with the model computing one text of so many tokens with an adapter. */
  with<T>(adapter: string, count: number, body: (model: LanguageModel) => T): T {
    const key = this.#keyOf(adapter);
    this.lastUsed = Date.now();
    scope(() => this.#adapters.begin([{ adapter: key, count }]));
    return body(this.#model);
  }

  dispose(): void {
    this.#scheduler.dispose();
    this.#grammars.dispose();
    for (const name of this.#adapters.names) this.#adapters.remove(name);
    this.#model.dispose();
  }

  #newScheduler(): BatchScheduler {
    const { maxTexts, prefillStepSize, prefixBytes = Number.POSITIVE_INFINITY } = this.#options;
    const most = Math.floor(Math.min(prefixBytes / pageBytes(this.#model), this.#maxPages / 2));
    return new BatchScheduler(this.#model, {
      maxPages: this.#maxPages,
      maxPrefixPages: most,
      adapters: this.#adapters,
      ...(maxTexts !== undefined && { maxTexts }),
      ...(prefillStepSize !== undefined && { prefillStepSize }),
    });
  }

  #keyOf(adapter: string): string {
    const key = adapter === "" ? "" : this.#keys.get(adapter);
    if (key === undefined) throw new UserError("engine/no-adapter", { adapter, names: [...this.#keys.keys()] });
    return key;
  }
}

/** Of what is free beside the weights: the rest is for what a pass works with, and for further models. */
const cacheShare = 0.6;
/** Pages without which a model is of no use. */
const smallestCache = 8;

function pageBytes(model: LanguageModel): number {
  const { layers, kvHeads, headSize } = ModelShape.parse(model.config);
  const norm = Object.values(model.blocks[0]?.parameters() ?? {}).find(({ dtype }) => isFloating(dtype));
  const bytes = norm?.dtype === "float32" ? 4 : 2;
  return 2 * layers * kvHeads * headSize * PagedCache.pageSize * bytes;
}
