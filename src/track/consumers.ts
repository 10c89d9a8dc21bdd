import type { TrainerEvent } from "../protocol/events.ts";
import { say } from "../protocol/language.ts";
import { type TrainConfig, trackersOf } from "../tuner/config.ts";
import { type ConsoleOptions, ConsoleTracker } from "./console.ts";
import type { Consumer, Tracker } from "./consumer.ts";
import { JsonlLog } from "./jsonl.ts";
import { SwanLabRun, type TrackedRun } from "./swanlab.ts";
import { WandbRun } from "./wandb.ts";

const trackerMakers: Record<string, (run: TrackedRun) => Tracker> = {
  swanlab: (run) => new SwanLabRun(run),
  wandb: (run) => new WandbRun(run),
};

/**
 * Everything that a run tells: the console, `events.jsonl` and the trackers that `report_to` names. Files are made with the
 * first event, so that a run that is refused leaves nothing.
 */
export class RunConsumers implements Consumer {
  readonly #config: TrainConfig;
  readonly #options: ConsoleOptions;
  readonly #console: ConsoleTracker;
  #log: JsonlLog | undefined;
  #trackers: Tracker[] = [];

  constructor(config: TrainConfig, options: ConsoleOptions) {
    this.#config = config;
    this.#options = options;
    this.#console = new ConsoleTracker({ ...options, compat: config.compat !== undefined });
  }

  /** The file comes first: what the console shows is already kept. */
  handle(event: TrainerEvent): void {
    this.#log ??= new JsonlLog(this.#config.adapter_path);
    if (event.type === "start") this.#trackers = this.#openTrackers();
    this.#log.handle(event);
    for (const tracker of this.#trackers) tracker.handle(event);
    this.#console.handle(event);
  }

  close(): void {
    this.#log?.close();
    this.#console.close();
    for (const tracker of this.#trackers) {
      tracker.close();
      this.#options.write(`${say("track/upload", { command: tracker.uploadCommand })}\n`);
    }
  }

  #openTrackers(): Tracker[] {
    const { adapter_path: runFolder, project_name } = this.#config;
    const run = { project: project_name ?? "cygnet", runFolder, config: this.#config };
    return trackersOf(this.#config).flatMap((name) => trackerMakers[name]?.(run) ?? []);
  }
}
