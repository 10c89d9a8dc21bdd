import type { PullHooks, PullProgress } from "../hub/pull.ts";
import type { RetryPause } from "../hub/retry.ts";
import { say } from "../protocol/language.ts";
import { byteSize } from "./byte-size.ts";
import { displayWidth } from "./text-width.ts";
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
  readonly #ui: Ui;
  #points: Point[] = [];
  #startedAt = 0;
  #drawnAt = 0;
  #begun = "";
  #line = "";

  constructor(ui: Ui) {
    this.#ui = ui;
  }

  /** Takes the line away. */
  end(): void {
    this.#draw("");
  }

  #show(progress: PullProgress): void {
    const { repository, bytes, totalBytes } = progress;
    if (!progress.checking && bytes < totalBytes && this.#begun !== repository.name) {
      this.#begun = repository.name;
      this.#points = [];
      this.#startedAt = Date.now();
      this.#above(say("pull/start", repository));
    }
    const now = Date.now();
    if (now - this.#drawnAt < redrawMs) return;
    this.#drawnAt = now;
    this.#points = [...this.#points.filter(({ at }) => now - at < windowMs), { at: now, bytes }];
    this.#draw(this.#text(progress));
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
    this.#above(say("pull/pause", { seconds, asked, reason }));
  }

  #above(text: string): void {
    const line = this.#line;
    this.#draw("");
    this.#ui.tell(`${text}\n`);
    this.#draw(line);
  }

  #draw(line: string): void {
    if (!this.#ui.interactive || (line === "" && this.#line === "")) return;
    this.#line = fitted(line, (process.stderr.columns ?? 80) - 1);
    this.#ui.tell(`\r\x1b[2K${this.#line}`);
  }
}

/** As much of a text as one line takes. */
function fitted(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let shown = "";
  for (const character of text) {
    if (displayWidth(shown + character) >= columns) break;
    shown += character;
  }
  return `${shown}…`;
}

/** `1:02:03` or `2:41`. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
