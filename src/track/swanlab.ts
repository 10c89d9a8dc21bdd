import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { stringify } from "yaml";
import type { TrainerEvent } from "../protocol/events.ts";
import { metricsOf, type Tracker } from "./consumer.ts";
import { double, type Encoded, integer, message, text, timestamp } from "./protobuf.ts";
import { RecordLog } from "./record-log.ts";
import { folderTime, randomRunId } from "./run-name.ts";

// Field numbers of swanlab/proto/swanlab of SwanLab 0.10.
const kinds = { start: 10, finish: 11, column: 12, scalar: 13, save: 20 } as const;
const finishStates = { done: 1, crashed: 2, interrupted: 3 } as const;

export interface TrackedRun {
  project: string;
  /** Named after its folder, as in mlx-lm. */
  runFolder: string;
  config: Record<string, unknown>;
}

/** An offline run of SwanLab, for `swanlab sync`: `<run>/swanlog/run-<time>-<id>/`, with mlx-lm's metrics. */
export class SwanLabRun implements Tracker {
  readonly folder: string;
  readonly #log: RecordLog;
  readonly #columns = new Set<string>();
  #count = 0;
  #state: keyof typeof finishStates = "crashed";

  constructor({ project, runFolder, config }: TrackedRun) {
    const started = Date.now();
    const id = randomRunId();
    const root = join(runFolder, "swanlog");
    this.folder = join(root, `run-${folderTime(new Date(started))}-${id}`);
    mkdirSync(join(this.folder, "files"), { recursive: true });
    writeFileSync(join(root, ".gitignore"), "*");
    const configFile = resolve(this.folder, "files/config.yaml");
    writeFileSync(configFile, configText(config));

    this.#log = new RecordLog(join(this.folder, `run-${id}.swanlab`), ":SWL", 0xe1d6, 2);
    const name = basename(resolve(runFolder));
    // Records about the run itself have negative numbers: start, finish, config.
    this.#append(-1, kinds.start, text(1, project), text(4, name), text(10, id), timestamp(12, started));
    this.#append(-3, kinds.save, text(1, "config"), text(2, configFile), integer(5, 1));
  }

  get uploadCommand(): string {
    return `swanlab sync ${this.folder}`;
  }

  handle(event: TrainerEvent): void {
    if (event.type === "done" || event.type === "interrupted") this.#state = event.type;
    const metrics = metricsOf(event);
    if (!metrics) return;
    for (const [key, value] of Object.entries(metrics.values)) {
      if (!this.#columns.has(key)) this.#append(++this.#count, kinds.column, ...scalarColumn(key));
      this.#columns.add(key);
      const scalar = message(5, double(1, value));
      const fields = [text(1, key), integer(2, metrics.step), integer(3, 1), timestamp(4, Date.now()), scalar];
      this.#append(++this.#count, kinds.scalar, ...fields);
    }
  }

  close(): void {
    this.#append(-2, kinds.finish, integer(1, finishStates[this.#state]), timestamp(3, Date.now()));
    this.#log.close();
  }

  #append(number: number, kind: number, ...fields: Encoded[]): void {
    this.#log.append(Buffer.concat([integer(1, number), timestamp(2, Date.now()), message(kind, ...fields)]));
  }
}

/** A column of the user's (class 1) that holds scalars (type 1), in a public section (3). */
function scalarColumn(key: string): Encoded[] {
  return [integer(1, 1), integer(2, 1), text(3, key), integer(6, 3)];
}

function configText(config: Record<string, unknown>): string {
  const entries = Object.entries(config).map(([key, value], sort) => [key, { desc: "", sort, value: value ?? null }]);
  return stringify(Object.fromEntries(entries));
}
