import type { PullHooks, PullProgress } from "../hub/pull.ts";
import type { RetryPause } from "../hub/retry.ts";
import { say } from "../protocol/language.ts";
import { byteSize } from "./byte-size.ts";
import { duration, StatusLine } from "./status-line.ts";
import type { Ui } from "./ui.ts";

/** The time over which the speed is measured, and how much of it must have passed to tell the time left. */
const windowMs = 5000;
const settledMs = 2000;
const redrawMs = 100;

interface Point {
  at: number;
  bytes: number;
}

/** The progress of downloads: one line that is drawn again on a terminal, and where they begin elsewhere. */
export class DownloadLine {
  readonly hooks: PullHooks = {
    onProgress: (progress) => this.#show(progress),
    onPause: (pause) => this.#pause(pause),
  };
  readonly #line: StatusLine;
  #points: Point[] = [];
  #startedAt = 0;
  #drawnAt = 0;
  #begun = "";

  constructor(ui: Ui) {
    this.#line = new StatusLine(ui);
  }

  /** Takes the line away. */
  end(): void {
    this.#line.end();
  }

  #show(progress: PullProgress): void {
    const { repository, bytes, totalBytes } = progress;
    if (!progress.checking && bytes < totalBytes && this.#begun !== repository.name) {
      this.#begun = repository.name;
      this.#points = [];
      this.#startedAt = Date.now();
      this.#line.above(say("pull/start", repository));
    }
    const now = Date.now();
    if (now - this.#drawnAt < redrawMs) return;
    this.#drawnAt = now;
    this.#points = [...this.#points.filter(({ at }) => now - at < windowMs), { at: now, bytes }];
    this.#line.draw(this.#text(progress));
  }

  #text({ repository: { name }, checking, bytes, totalBytes, files, filesDone }: PullProgress): string {
    if (checking) return say("pull/checking", { name, done: filesDone, files });
    const speed = this.#bytesPerSecond();
    const isSettled = Date.now() - this.#startedAt >= settledMs;
    return say("pull/progress", {
      percent: totalBytes > 0 ? Math.floor((bytes / totalBytes) * 100) : 100,
      done: byteSize(bytes),
      total: byteSize(totalBytes),
      speed: speed === undefined ? undefined : byteSize(speed),
      left: speed && isSettled ? duration((totalBytes - bytes) / speed) : undefined,
    });
  }

  #bytesPerSecond(): number | undefined {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    if (!first || !last || last.at - first.at < 500) return undefined;
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at));
  }

  #pause({ seconds, asked, reason }: RetryPause): void {
    this.#line.above(say("pull/pause", { seconds, asked, reason }));
  }
}
