import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UserError } from "../protocol/user-error.ts";
import {
  type Command,
  type DraftPlace,
  type EngineOptions,
  type EngineStatus,
  type EngineToken,
  type GenerateRequest,
  Report,
  type TokenScore,
} from "./messages.ts";

/** What waits for reports on a call. */
interface Call {
  report(report: Extract<Report, { call: number }> | EngineToken): void;
  fail(error: Error): void;
}

/** Where a model lies, and a small one that guesses for it. */
export interface Place {
  folder: string;
  draft?: DraftPlace | undefined;
}

const nothing: EngineStatus = { models: [], activeBytes: 0, peakBytes: 0 };

/**
 * Models in a process of their own: whatever happens to it, this one goes on, starts another and says what was lost. Commands are
 * obeyed in their order; texts of one model are computed together.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #calls = new Map<number, Call>();
  /** What a new process is told first: models and their adapters, by name. */
  readonly #open = new Map<string, { place: Place; adapters: Map<string, string> }>();
  #process: ChildProcess | undefined;
  #lastCall = 0;
  #status = nothing;
  /** How often a process ended without being asked to. */
  restarts = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** As the other process told it last. */
  get status(): EngineStatus {
    return this.#status;
  }
  /** Calls that wait for answers. */
  get pendingCalls(): number {
    return this.#calls.size;
  }
  /** Of the process that computes. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** @throws UserError when there is no such model, or no memory for it. */
  async open(model: string, { folder, draft }: Place): Promise<void> {
    await this.#ask({ type: "open", model, folder, draft });
    if (!this.#open.has(model)) this.#open.set(model, { place: { folder, draft }, adapters: new Map() });
  }

  async close(model: string): Promise<void> {
    this.#open.delete(model);
    await this.#ask({ type: "close", model });
  }

  /** @throws UserError when it belongs to another model or cannot be read. */
  async addAdapter(model: string, adapter: string, folder: string): Promise<void> {
    await this.#ask({ type: "add adapter", model, adapter, folder });
    this.#open.get(model)?.adapters.set(adapter, folder);
  }

  async removeAdapter(model: string, adapter: string): Promise<void> {
    this.#open.get(model)?.adapters.delete(adapter);
    await this.#ask({ type: "remove adapter", model, adapter });
  }

  /** Tokens that continue a prompt, as they come. Cancelling the stream or aborting ends the text, and the stream. */
  generate(model: string, request: GenerateRequest, signal?: AbortSignal): ReadableStream<EngineToken> {
    const call = ++this.#lastCall;
    const end = (): void => {
      if (this.#calls.delete(call)) this.#send({ type: "cancel", call });
    };
    return new ReadableStream({
      start: (controller) => {
        const stop = (): void => {
          end();
          controller.close();
        };
        const settle = (): void => signal?.removeEventListener("abort", stop);
        this.#calls.set(call, {
          report: (report) => {
            if (!("isLast" in report)) return;
            controller.enqueue(report);
            if (!report.isLast) return;
            this.#calls.delete(call);
            settle();
            controller.close();
          },
          fail: (error) => {
            settle();
            controller.error(error);
          },
        });
        this.#send({ type: "generate", call, model, request });
        if (signal?.aborted) stop();
        else signal?.addEventListener("abort", stop, { once: true });
      },
      cancel: end,
    });
  }

  /** How likely each token is after those before it, from the second on. */
  async score(model: string, adapter: string, tokens: readonly number[], topLogprobs: number): Promise<TokenScore[]> {
    const report = await this.#ask({ type: "score", model, adapter, tokens, topLogprobs });
    return report.type === "scores" ? report.scores : [];
  }

  /** The mean of a text's hidden states, of length 1. */
  async embed(model: string, adapter: string, tokens: readonly number[]): Promise<number[]> {
    const report = await this.#ask({ type: "embed", model, adapter, tokens });
    return report.type === "embedding" ? report.values : [];
  }

  /** Ends the process. */
  async shutdown(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.disconnect();
    await ended;
  }

  #ask(command: DistributiveOmit<Command, "call">): Promise<Extract<Report, { call: number }>> {
    const call = ++this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, {
        report: (report) => {
          this.#calls.delete(call);
          if ("type" in report) resolve(report);
        },
        fail: reject,
      });
      this.#send({ ...command, call });
    });
  }

  #send(command: Command): void {
    this.#process ??= this.#start();
    this.#process.send(command);
  }

  #start(): ChildProcess {
    const child = fork(workerPath, [JSON.stringify(this.#options)], { serialization: "advanced" });
    child.on("message", (message) => this.#take(Report.parse(message)));
    child.on("error", () => {}); // a message to one that is ending; its end tells
    child.once("exit", (code, signal) => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.restarts++;
      this.#failAll(new UserError("engine/crashed", { reason: signal ?? `status ${code}` }));
    });
    for (const [model, { place, adapters }] of this.#open) {
      child.send({ type: "open", call: 0, model, ...place });
      for (const [adapter, path] of adapters)
        child.send({ type: "add adapter", call: 0, model, adapter, folder: path });
    }
    return child;
  }

  #take(report: Report): void {
    switch (report.type) {
      case "ready":
        return;
      case "status":
        this.#status = report.status;
        return;
      case "tokens":
        for (const { call, ...token } of report.tokens) this.#calls.get(call)?.report(token);
        return;
      case "failed":
        this.#fail(report.call, new UserError("engine/reported", report));
        return;
      case "broken":
        this.#fail(report.call, new Error(report.stack));
        return;
      default:
        this.#calls.get(report.call)?.report(report);
    }
  }

  #fail(number: number, error: Error): void {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    call?.fail(error);
  }

  #failAll(error: Error): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#status = nothing;
    for (const call of calls) call.fail(error);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Compiled, also when this file is not. */
const workerPath = fileURLToPath(
  import.meta.url.endsWith(".ts")
    ? new URL("../../dist/engine/worker.js", import.meta.url)
    : new URL("./worker.js", import.meta.url),
);
