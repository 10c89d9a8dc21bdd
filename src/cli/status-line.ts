import { displayWidth } from "./text-width.ts";
import type { Ui } from "./ui.ts";

/** A line that is drawn again and again on a terminal; elsewhere there is none. */
export class StatusLine {
  readonly #ui: Ui;
  #line = "";

  constructor(ui: Ui) {
    this.#ui = ui;
  }

  draw(line: string): void {
    if (!this.#ui.interactive || (line === "" && this.#line === "")) return;
    this.#line = fitted(line, (process.stderr.columns || 80) - 1);
    this.#ui.tell(`\r\x1b[2K${this.#line}`);
  }

  /** A text that stays, and below it the line again. */
  above(text: string): void {
    const line = this.#line;
    this.end();
    this.#ui.tell(`${text}\n`);
    this.draw(line);
  }

  /** Takes the line away. */
  end(): void {
    this.draw("");
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
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
