import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join, resolve } from "node:path";
import type { TrainerEvent } from "../protocol/events.ts";
import { metricsOf, type Tracker } from "./consumer.ts";
import { type Encoded, integer, message, text, timestamp } from "./protobuf.ts";
import { RecordLog } from "./record-log.ts";
import { folderTime, randomRunId } from "./run-name.ts";
import type { TrackedRun } from "./swanlab.ts";

// Field numbers of wandb/proto/wandb_internal.proto of wandb 0.31.
const kinds = { history: 2, summary: 3, run: 17, exit: 18, header: 21 } as const;

/** An offline run of Weights & Biases, for `wandb sync`: `<run>/wandb/offline-run-<time>-<id>/`, with mlx-lm's metrics. */
export class WandbRun implements Tracker {
  readonly folder: string;
  readonly #log: RecordLog;
  readonly #started = Date.now();
  readonly #summary: Record<string, number> = {};
  #count = 0;
  #exitCode = 1;

  constructor({ project, runFolder, config }: TrackedRun) {
    const id = randomRunId();
    this.folder = join(runFolder, "wandb", `offline-run-${folderTime(new Date(this.#started))}-${id}`);
    mkdirSync(join(this.folder, "files"), { recursive: true });
    this.#log = new RecordLog(join(this.folder, `run-${id}.wandb`), ":W&B", 0xbee1, 0);
    this.#append(kinds.header, message(1, text(1, "0.31.0"), text(2, "0.70.0")));
    const settings = Object.entries(config).map(([key, value]) =>
      message(1, text(1, key), text(16, JSON.stringify(value ?? null))),
    );
    const name = basename(resolve(runFolder));
    const about = [text(1, id), text(3, project), message(4, ...settings), text(8, name), text(13, hostname())];
    this.#append(kinds.run, ...about, timestamp(17, this.#started));
  }

  get uploadCommand(): string {
    return `wandb sync ${this.folder}`;
  }

  handle(event: TrainerEvent): void {
    if (event.type === "done") this.#exitCode = 0;
    if (event.type === "interrupted") this.#exitCode = 130;
    const metrics = metricsOf(event);
    if (!metrics) return;
    const now = Date.now();
    const own = { _step: metrics.step, _timestamp: now / 1000, _runtime: (now - this.#started) / 1000 };
    Object.assign(this.#summary, metrics.values, own);
    const items = entriesOf({ ...metrics.values, ...own });
    this.#append(kinds.history, ...items, message(2, integer(1, metrics.step)));
  }

  close(): void {
    this.#append(kinds.summary, ...entriesOf(this.#summary));
    const seconds = Math.round((Date.now() - this.#started) / 1000);
    this.#append(kinds.exit, integer(1, this.#exitCode), integer(2, seconds));
    this.#log.close();
  }

  #append(kind: number, ...fields: Encoded[]): void {
    this.#log.append(Buffer.concat([integer(1, ++this.#count), message(kind, ...fields)]));
  }
}

/** Each value under its whole key, as the package writes it: `nested_key` holds one element. */
function entriesOf(values: Record<string, number>): Encoded[] {
  return Object.entries(values).map(([key, value]) => message(1, text(2, key), text(16, JSON.stringify(value))));
}
