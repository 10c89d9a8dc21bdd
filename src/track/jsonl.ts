import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { TrainerEvent } from "../protocol/events.ts";
import { UserError } from "../protocol/user-error.ts";
import type { Consumer } from "./consumer.ts";

/**
 * `events.jsonl` of a run folder: every event, one object a line, written when it happens. A later run in the same folder
 * is appended; its `start` event separates the two.
 */
export class JsonlLog implements Consumer {
  readonly path: string;
  readonly #file: number;

  constructor(runFolder: string) {
    this.path = join(runFolder, "events.jsonl");
    this.#file = this.#guard(() => {
      mkdirSync(runFolder, { recursive: true });
      return openSync(this.path, "a");
    });
  }

  handle(event: TrainerEvent): void {
    this.#guard(() => writeSync(this.#file, `${JSON.stringify(event)}\n`));
  }

  close(): void {
    closeSync(this.#file);
  }

  #guard<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UserError("file/write-failed", { path: this.path, reason });
    }
  }
}
