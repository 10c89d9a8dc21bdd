import type { PromptProgress } from "../generate/prefill.ts";
import { say } from "../protocol/language.ts";
import { duration, StatusLine } from "./status-line.ts";
import type { Ui } from "./ui.ts";

/** A prompt that is computed sooner needs no progress. */
const patienceMs = 1000;
const redrawMs = 100;

/** The progress of a long prompt, on a terminal only: one line, which goes when the prompt is computed. */
export class PromptLine {
  readonly onPrompt = (progress: PromptProgress): void => this.#show(progress);
  readonly #line: StatusLine;
  #begun = Date.now();
  #drawnAt = 0;
  #tokens = 0;

  /** The prompt begins now. */
  constructor(ui: Ui) {
    this.#line = new StatusLine(ui);
  }

  /** Takes the line away. */
  end(): void {
    this.#line.end();
  }

  #show({ tokens, total }: PromptProgress): void {
    const now = Date.now();
    if (tokens < this.#tokens) this.#begun = now; // the prompts after those that were answered
    this.#tokens = tokens;
    if (tokens === total) {
      this.end();
      return;
    }
    if (now - this.#begun < patienceMs || now - this.#drawnAt < redrawMs) return;
    this.#drawnAt = now;
    const tokensPerSecond = (1000 * tokens) / (now - this.#begun);
    this.#line.draw(
      say("generate/prompt-progress", {
        tokens,
        total,
        tokensPerSecond,
        left: tokens > 0 ? duration((total - tokens) / tokensPerSecond) : undefined,
      }),
    );
  }
}
