import type { TrainerEvent } from "../protocol/events.ts";
import { say } from "../protocol/language.ts";
import type { Consumer } from "./consumer.ts";
import { type LossPoint, lossPlot } from "./loss-plot.ts";

export interface ConsoleOptions {
  write(text: string): void;
  /** Whether a line can be drawn again: on a terminal. */
  interactive: boolean;
  /** Whether validations stand before the step that they name, as in `compat: mlx-lm`. */
  compat?: boolean;
}

type EventOf<Type extends TrainerEvent["type"]> = Extract<TrainerEvent, { type: Type }>;

/**
 * The lines that mlx-lm printed until mid 2026 and that guides show and programs parse, the same in every language.
 * On a terminal a progress bar stays below them; at the end comes a plot of the losses.
 */
export class ConsoleTracker implements Consumer {
  readonly #options: ConsoleOptions;
  readonly #train: LossPoint[] = [];
  readonly #validation: LossPoint[] = [];
  #start: EventOf<"start"> | undefined;
  #bar = "";

  constructor(options: ConsoleOptions) {
    this.#options = options;
  }

  handle(event: TrainerEvent): void {
    switch (event.type) {
      case "start":
        this.#start = event;
        this.#line(trainableLine(event));
        if (event.resumed_from > 0) this.#line(say("track/resumed", { iteration: event.resumed_from }));
        this.#line(`Starting training..., iters: ${event.iters}`);
        this.#drawBar(event.resumed_from, undefined);
        break;
      case "train":
        this.#train.push({ iteration: event.iteration, loss: event.train_loss });
        this.#line(trainLine(event));
        this.#drawBar(event.iteration, event.iterations_per_second);
        break;
      case "validation":
        this.#validation.push({ iteration: event.iteration, loss: event.val_loss });
        this.#line(this.#validationLine(event));
        break;
      case "checkpoint":
        this.#line(`Iter ${event.iteration}: Saved adapter weights to ${event.files.join(" and ")}.`);
        break;
      case "test":
        this.#line(`Test loss ${event.test_loss.toFixed(3)}, Test ppl ${event.test_ppl.toFixed(3)}.`);
        break;
      case "warning":
        this.#line(say("track/warning", { message: event.message }));
        break;
      case "done":
      case "interrupted":
        this.#end(event);
    }
  }

  close(): void {
    this.#eraseBar();
  }

  /** mlx-lm names the step that a validation stands before, and its first one `Iter 1`. */
  #validationLine({ iteration, val_loss, val_time }: EventOf<"validation">): string {
    const shown = this.#options.compat ? iteration + 1 : Math.max(1, iteration);
    return `Iter ${shown}: Val loss ${val_loss.toFixed(3)}, Val took ${val_time.toFixed(3)}s`;
  }

  #end(event: EventOf<"done" | "interrupted">): void {
    this.#eraseBar();
    const plot = lossPlot(this.#train, this.#validation);
    if (plot !== "") {
      const validation = this.#validation.length > 0 ? range(this.#validation) : undefined;
      this.#options.write(`\n${plot}${say("track/plot-legend", { train: range(this.#train), validation })}\n`);
    }
    const folder = this.#start?.adapter_path ?? "";
    const facts = { iteration: event.iteration, duration: duration(event.seconds), folder };
    this.#line(say(event.type === "done" ? "track/done" : "track/interrupted", facts));
  }

  #line(text: string): void {
    const { write, interactive } = this.#options;
    write(interactive && this.#bar !== "" ? `\r\x1b[2K${text}\n${this.#bar}` : `${text}\n`);
  }

  #drawBar(iteration: number, iterationsPerSecond: number | undefined): void {
    const iters = this.#start?.iters ?? 0;
    if (!this.#options.interactive || iters === 0) return;
    this.#bar = iteration < iters ? progressBar(iteration, iters, iterationsPerSecond) : "";
    this.#options.write(`\r\x1b[2K${this.#bar}`);
  }

  #eraseBar(): void {
    if (this.#bar !== "") this.#options.write("\r\x1b[2K");
    this.#bar = "";
  }
}

function trainableLine({ trainable_parameters, total_parameters }: EventOf<"start">): string {
  const percent = ((trainable_parameters * 100) / total_parameters).toFixed(3);
  const millions = (count: number) => `${(count / 1e6).toFixed(3)}M`;
  return `Trainable parameters: ${percent}% (${millions(trainable_parameters)}/${millions(total_parameters)})`;
}

function trainLine(event: EventOf<"train">): string {
  const parts = [
    `Train loss ${event.train_loss.toFixed(3)}`,
    `Learning Rate ${exponential(event.learning_rate)}`,
    `It/sec ${event.iterations_per_second.toFixed(3)}`,
    `Tokens/sec ${event.tokens_per_second.toFixed(3)}`,
    `Trained Tokens ${event.trained_tokens}`,
    `Peak mem ${event.peak_memory.toFixed(3)} GB`,
  ];
  return `Iter ${event.iteration}: ${parts.join(", ")}`;
}

/** `1.000e-05`, as Python's `.3e`: an exponent has two digits at least. */
function exponential(value: number): string {
  return value.toExponential(3).replace(/e([+-])(\d)$/, "e$10$2");
}

function progressBar(iteration: number, iters: number, iterationsPerSecond: number | undefined): string {
  const width = 24;
  const filled = Math.round((iteration / iters) * width);
  const percent = Math.floor((iteration / iters) * 100);
  const seconds = iterationsPerSecond ? (iters - iteration) / iterationsPerSecond : undefined;
  const left = seconds === undefined ? "" : say("track/eta", { left: duration(seconds) });
  return `${"█".repeat(filled)}${"░".repeat(width - filled)} ${iteration}/${iters} ${percent}% ${left}`;
}

/** `1:02:03`, `2:41` or `0:07`. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** First and last loss. */
function range(points: readonly LossPoint[]): string {
  const shown = (point: LossPoint | undefined) => point?.loss.toFixed(3) ?? "";
  return points.length > 1 ? `${shown(points[0])} → ${shown(points.at(-1))}` : shown(points[0]);
}
