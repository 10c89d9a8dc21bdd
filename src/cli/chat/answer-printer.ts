import type { AnswerPiece } from "../../generate/thinking.ts";
import { say } from "../../protocol/language.ts";
import type { StatusLine } from "../status-line.ts";
import { hasStyles, type Ui } from "../ui.ts";
import { MarkdownStream } from "./markdown-stream.ts";

/** Prints one answer as it comes: what was thought to standard error, dimmed or folded to a line, the answer itself to standard output. */
export class AnswerPrinter {
  readonly #ui: Ui;
  readonly #status: StatusLine;
  readonly #fold: boolean;
  readonly #markdown = new MarkdownStream(hasStyles(process.stdout));
  #thought = 0;

  constructor(ui: Ui, status: StatusLine, { fold }: { fold: boolean }) {
    this.#ui = ui;
    this.#status = status;
    this.#fold = fold;
  }

  add({ kind, text }: AnswerPiece): void {
    if (kind === "answer") {
      this.#endThoughts();
      this.#ui.print(this.#markdown.add(text));
      return;
    }
    const isFirst = this.#thought === 0;
    this.#thought += text.length;
    if (this.#fold) {
      this.#status.draw(say("chat/thinking", { characters: this.#thought }));
      return;
    }
    if (isFirst && !this.#isDimmed) this.#ui.say("chat/thoughts-begin", {});
    this.#ui.tell(this.#ui.dim(text));
  }

  finish(): void {
    this.#endThoughts();
    this.#ui.print(`${this.#markdown.finish()}\n`);
  }

  /** Without styles words say where thoughts end. */
  get #isDimmed(): boolean {
    return hasStyles(process.stderr);
  }

  #endThoughts(): void {
    if (this.#thought === 0) return;
    if (this.#fold) {
      this.#status.end();
      if (this.#ui.interactive) this.#ui.tell(`${this.#ui.dim(say("chat/thought", { characters: this.#thought }))}\n`);
    } else {
      this.#ui.tell("\n\n");
      if (!this.#isDimmed) this.#ui.say("chat/thoughts-end", {});
    }
    this.#thought = 0;
  }
}
