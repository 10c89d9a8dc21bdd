import type { TrainerEvent } from "../protocol/events.ts";
import { say } from "../protocol/language.ts";
import { type TrainConfig, trackersOf } from "../tuner/config.ts";
import { type ConsoleOptions, ConsoleTracker } from "./console.ts";
import type { Consumer, Tracker } from "./consumer.ts";
import { JsonlLog } from "./jsonl.ts";
import { SwanLabRun } from "./swanlab.ts";
import { WandbRun } from "./wandb.ts";

/** Everything that a run tells: the console, `events.jsonl` and the trackers that `report_to` names. */
export class RunConsumers implements Consumer {
  readonly #console: ConsoleTracker;
  readonly #options: ConsoleOptions;
  readonly #trackers: Tracker[];
  readonly #log: JsonlLog;

  constructor(config: TrainConfig, options: ConsoleOptions) {
    this.#options = options;
    this.#console = new ConsoleTracker(options);
    this.#log = new JsonlLog(config.adapter_path);
    const run = { project: config.project_name ?? "cygnet", runFolder: config.adapter_path, config };
    const makers: Record<string, () => Tracker> = {
      swanlab: () => new SwanLabRun(run),
      wandb: () => new WandbRun(run),
    };
    this.#trackers = trackersOf(config).flatMap((name) => makers[name]?.() ?? []);
  }

  /** The file comes first: what the console shows is already kept. */
  handle(event: TrainerEvent): void {
    this.#log.handle(event);
    for (const tracker of this.#trackers) tracker.handle(event);
    this.#console.handle(event);
  }

  close(): void {
    this.#log.close();
    this.#console.close();
    for (const tracker of this.#trackers) {
      tracker.close();
      this.#options.write(`${say("track/upload", { command: tracker.uploadCommand })}\n`);
    }
  }
}
