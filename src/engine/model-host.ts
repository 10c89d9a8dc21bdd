import { activeMemory, peakMemory } from "../core/memory.ts";
import { scoreTokens } from "../evaluate/token-scores.ts";
import { UserError } from "../protocol/user-error.ts";
import { embedTokens } from "./embed.ts";
import type { Command, DraftPlace, EngineOptions, EngineStatus, Report } from "./messages.ts";
import { ResidentModel } from "./resident-model.ts";

/** The models in memory: it obeys commands and steps through the texts of all models. */
export class ModelHost {
  readonly #options: EngineOptions;
  readonly #report: (report: Report) => void;
  readonly #models = new Map<string, ResidentModel>();
  #lastStepped = "";

  constructor(options: EngineOptions, report: (report: Report) => void) {
    this.#options = options;
    this.#report = report;
  }

  get isIdle(): boolean {
    return [...this.#models.values()].every(({ isIdle }) => isIdle);
  }

  get status(): EngineStatus {
    const models = [...this.#models.values()].map((model) => model.status());
    return { models, activeBytes: activeMemory(), peakBytes: peakMemory() };
  }

  handle(command: Command): void {
    try {
      this.#obey(command);
    } catch (error) {
      this.#fail(command.call, error);
    }
  }

  /** One pass of one model that has texts; models take turns. */
  async step(): Promise<void> {
    const busy = [...this.#models].filter(([, model]) => !model.isIdle).sort(([a], [b]) => (a < b ? -1 : 1));
    const [name, model] = busy.find(([each]) => each > this.#lastStepped) ?? busy[0] ?? [];
    if (name === undefined || !model) return;
    this.#lastStepped = name;
    try {
      const tokens = await model.step();
      if (tokens.length > 0) this.#report({ type: "tokens", tokens });
    } catch (error) {
      for (const call of model.reset()) this.#fail(call, error);
    }
  }

  #obey(command: Command): void {
    switch (command.type) {
      case "open":
        this.#open(command.model, command.folder, command.draft);
        break;
      case "close":
        this.#close(command.model);
        break;
      case "add adapter":
        this.#end(this.#model(command.model).addAdapter(command.adapter, command.folder), command.adapter);
        break;
      case "remove adapter":
        this.#end(this.#model(command.model).removeAdapter(command.adapter), command.adapter);
        break;
      case "generate":
        this.#model(command.model)
          .generate(command.call, command.request)
          .catch((error: unknown) => this.#fail(command.call, error));
        return;
      case "cancel":
        for (const model of this.#models.values()) model.cancel(command.call);
        return;
      case "score": {
        const { model, adapter, tokens, topLogprobs, call } = command;
        const scores = this.#model(model).with(adapter, tokens.length, (it) => scoreTokens(it, tokens, topLogprobs));
        this.#report({ type: "scores", call, scores });
        return;
      }
      case "embed": {
        const { model, adapter, tokens, call } = command;
        const values = this.#model(model).with(adapter, tokens.length, (it) => embedTokens(it, tokens));
        this.#report({ type: "embedding", call, values });
        return;
      }
    }
    this.#report({ type: "status", status: this.status });
    this.#report({ type: "done", call: command.call });
  }

  /** Models that do nothing make room, the one first that was not used for longest. */
  #open(name: string, folder: string, draft: DraftPlace | undefined): void {
    if (this.#models.has(name)) return;
    for (;;) {
      try {
        const { memoryBytes, ...options } = this.#options;
        this.#models.set(name, new ResidentModel(name, { folder, draft }, memoryBytes - activeMemory(), options));
        return;
      } catch (error) {
        if (!(error instanceof UserError) || error.code !== "engine/no-memory" || !this.#makeRoom()) throw error;
      }
    }
  }

  #makeRoom(): boolean {
    const idle = [...this.#models].filter(([, model]) => model.isIdle);
    const [oldest] = idle.sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    if (!oldest) return false;
    this.#close(oldest[0]);
    return true;
  }

  #close(name: string): void {
    const model = this.#models.get(name);
    if (!model) return;
    this.#models.delete(name);
    for (const call of model.reset()) this.#fail(call, new UserError("engine/closed", { model: name }));
    model.dispose();
  }

  #model(name: string): ResidentModel {
    const model = this.#models.get(name);
    if (!model) throw new UserError("engine/closed", { model: name });
    return model;
  }

  #end(calls: readonly number[], adapter: string): void {
    for (const call of calls) this.#fail(call, new UserError("engine/no-adapter", { adapter, names: [] }));
  }

  #fail(call: number, error: unknown): void {
    if (error instanceof UserError) this.#report({ type: "failed", call, code: error.code, ...error.text });
    else this.#report({ type: "broken", call, stack: error instanceof Error ? (error.stack ?? "") : String(error) });
  }
}
