import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../core/text-file.ts";
import type { Engine, Place } from "../engine/engine.ts";
import { cachedModels } from "../hub/inventory.ts";
import { UserError } from "../protocol/user-error.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { isAdapterFolder } from "../tuner/load-adapter.ts";

/** A model that requests can name. */
export interface ServedModel {
  name: string;
  folder: string;
  tokenizer: Tokenizer;
  /** Tokens that it was made for, prompt and answer together. */
  contextLength: number;
  vocabulary: number;
  /** `model_type` of its config. */
  architecture: string;
}

/** A model, and the adapter it answers with; "" is none. */
export interface Served {
  model: ServedModel;
  adapter: string;
  /** How answers name it. */
  name: string;
}

export interface ServedModelsOptions {
  /** Models that are named at the start; the first answers requests that name none. */
  models: readonly ({ name: string } & Place)[];
  /** The adapter of the first one that answers requests that name none. */
  adapter?: string | undefined;
  /** Folders of training runs, or folders with such folders in them. */
  adapterFolders: readonly string[];
  /** How long a model stays in memory that nobody asks for; default: for ever. */
  idleMs?: number | undefined;
}

const Facts = z.looseObject({
  model_type: z.string().default(""),
  vocab_size: z.int().optional(),
  max_position_embeddings: z.int().optional(),
  text_config: z
    .looseObject({ vocab_size: z.int().optional(), max_position_embeddings: z.int().optional() })
    .optional(),
});

/** For models that do not say. */
const defaultContext = 32_768;

/** Which models and adapters there are, and what requests call them. What is named is loaded. */
export class ServedModels {
  readonly #engine: Engine;
  readonly #options: ServedModelsOptions;
  /** Models that were named so far, by name; loading ones too. */
  readonly #models = new Map<string, Promise<ServedModel>>();
  /** Adapters by name: of which model, from where. */
  readonly #adapters = new Map<string, { folder: string; loaded: Set<string> }>();
  readonly #lastUsed = new Map<string, number>();

  constructor(engine: Engine, options: ServedModelsOptions) {
    this.#engine = engine;
    this.#options = options;
    this.rescan();
    if (options.adapter !== undefined)
      this.#adapters.set(basename(resolve(options.adapter)), newAdapter(options.adapter));
  }

  get defaultName(): string {
    return this.#options.models[0]?.name ?? "";
  }
  get defaultAdapter(): string {
    return this.#options.adapter === undefined ? "" : basename(resolve(this.#options.adapter));
  }
  get adapterNames(): string[] {
    return [...this.#adapters.keys()];
  }

  /** Looks again which adapters the folders have. */
  rescan(): void {
    for (const folder of this.#options.adapterFolders) {
      for (const run of [folder, ...foldersIn(folder)]) {
        const name = basename(resolve(run));
        if (isAdapterFolder(run) && !this.#adapters.has(name)) this.#adapters.set(name, newAdapter(run));
      }
    }
  }

  /** All models that can be asked for, those in the hubs' caches too: a look at the disk. */
  places(): ({ name: string } & Place)[] {
    const { models } = this.#options;
    return [...models, ...cachedModels().filter(({ name }) => !models.some((each) => each.name === name))];
  }

  names(): string[] {
    return this.places().map(({ name }) => name);
  }

  /**
   * The model that a request names, in memory: NAME, NAME:ADAPTER, ADAPTER; `base` is the first model without an adapter.
   * @throws UserError when there is none of that name, or it cannot be loaded.
   */
  async resolve(asked: string | null | undefined, adapterAsked?: string | null): Promise<Served> {
    const { name, adapter } = this.#parse(asked?.replace(/:latest$/, "") ?? "default_model", adapterAsked ?? undefined);
    const model = await this.#model(name);
    if (adapter !== "") await this.#requireAdapter(name, adapter);
    this.#lastUsed.set(name, Date.now());
    return { model, adapter, name: adapter === "" ? name : `${name}:${adapter}` };
  }

  /** Adds an adapter under a name, or puts it in the place of another. */
  async addAdapter(name: string, folder: string): Promise<void> {
    if (!isAdapterFolder(folder))
      throw new UserError("adapter/not-found", { folder, file: join(folder, "adapters.safetensors") });
    this.#adapters.set(name, newAdapter(folder));
    await this.resolve(`${this.defaultName}:${name}`);
  }

  async removeAdapter(name: string): Promise<void> {
    const adapter = this.#adapters.get(name);
    if (!adapter) throw new UserError("server/unknown-model", { name, names: this.adapterNames });
    this.#adapters.delete(name);
    for (const model of adapter.loaded) await this.#engine.removeAdapter(model, name);
  }

  /** Unloads models that nobody used for too long; the time begins when an answer ends. */
  async closeIdle(): Promise<void> {
    for (const name of this.#lastUsed.keys()) {
      const isBusy = this.#engine.status.models.some(
        ({ model, runningTexts, waitingTexts }) => model === name && runningTexts + waitingTexts > 0,
      );
      if (isBusy) this.#lastUsed.set(name, Date.now());
      const expiry = this.expiry(name);
      if (!expiry || expiry.getTime() > Date.now()) continue;
      this.#forget(name);
      await this.#engine.close(name);
    }
  }

  /** Whether requests have asked for a model, and it was not unloaded since. */
  isInUse(name: string): boolean {
    return this.#lastUsed.has(name);
  }

  /** When a model is to be unloaded if nobody uses it any more; undefined: never. */
  expiry(name: string): Date | undefined {
    const lastUsed = this.#lastUsed.get(name);
    const { idleMs } = this.#options;
    return lastUsed === undefined || idleMs === undefined ? undefined : new Date(lastUsed + idleMs);
  }

  #parse(asked: string, adapterAsked: string | undefined): { name: string; adapter: string } {
    const first = this.defaultName;
    if (adapterAsked !== undefined) {
      const name = ["default_model", "base"].includes(asked) ? first : asked;
      return { name, adapter: this.#adapterNamed(adapterAsked) };
    }
    if (asked === "default_model" || asked === "") return { name: first, adapter: this.defaultAdapter };
    if (asked === "base") return { name: first, adapter: "" };
    const [, base = "", adapter = ""] = /^(.*):([^:]+)$/.exec(asked) ?? [];
    const name = base === "base" ? first : base;
    // What is in use needs no look at the disk.
    if (this.#models.has(asked)) return { name: asked, adapter: "" };
    if (this.#adapters.has(asked)) return { name: first, adapter: asked };
    if (this.#models.has(name) && this.#adapters.has(adapter)) return { name, adapter };
    if (this.#isKnown(asked)) return { name: asked, adapter: "" };
    if (base !== "" && this.#isKnown(name)) return { name, adapter: this.#adapterNamed(adapter) };
    return { name: first, adapter: this.#adapterNamed(asked) };
  }

  #isKnown(name: string): boolean {
    return this.#models.has(name) || this.names().includes(name);
  }

  /** mlx-lm's requests name an adapter by its folder. */
  #adapterNamed(asked: string): string {
    if (!this.#adapters.has(asked)) this.rescan();
    const known = [...this.#adapters].find(([name, { folder }]) => name === asked || folder === resolve(asked));
    if (known) return known[0];
    const names = [...this.names(), ...this.adapterNames.map((name) => `${this.defaultName}:${name}`)];
    throw new UserError("server/unknown-model", { name: asked, names });
  }

  #model(name: string): Promise<ServedModel> {
    const there = this.#models.get(name);
    if (there && this.#isOpen(name)) return there;
    const opened = this.#load(name);
    this.#models.set(name, opened);
    opened.catch(() => this.#forget(name));
    return opened;
  }

  /** The engine may have closed it to make room for another. */
  #isOpen(name: string): boolean {
    const { models } = this.#engine.status;
    return models.length === 0 || models.some(({ model }) => model === name);
  }

  async #load(name: string): Promise<ServedModel> {
    const place = this.places().find((each) => each.name === name);
    if (!place) throw new UserError("server/unknown-model", { name, names: this.names() });
    const { folder } = place;
    for (const adapter of this.#adapters.values()) adapter.loaded.delete(name);
    const [tokenizer] = await Promise.all([Tokenizer.load(folder), this.#engine.open(name, place)]);
    const { text_config, ...own } = Facts.parse(readJsonFile(join(folder, "config.json")));
    const facts = { ...own, ...text_config };
    return {
      name,
      folder,
      tokenizer,
      contextLength: facts.max_position_embeddings ?? defaultContext,
      vocabulary: facts.vocab_size ?? tokenizer.vocabSize,
      architecture: facts.model_type,
    };
  }

  async #requireAdapter(model: string, name: string): Promise<void> {
    const adapter = this.#adapters.get(name);
    if (!adapter || adapter.loaded.has(model)) return;
    adapter.loaded.add(model);
    try {
      await this.#engine.addAdapter(model, name, adapter.folder);
    } catch (error) {
      adapter.loaded.delete(model);
      throw error;
    }
  }

  #forget(name: string): void {
    this.#models.delete(name);
    this.#lastUsed.delete(name);
    for (const adapter of this.#adapters.values()) adapter.loaded.delete(name);
  }
}

function newAdapter(folder: string): { folder: string; loaded: Set<string> } {
  return { folder: resolve(folder), loaded: new Set() };
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory());
}
