import type { WriteStream } from "node:tty";
import { styleText } from "node:util";
import { say } from "../protocol/language.ts";
import type { Code, Facts } from "../protocol/messages/catalogue.ts";

/** Where a command speaks: results to standard output, everything else to standard error. */
export class Ui {
  /** With `--json` standard output carries JSON only: one object, or one a line for a stream. */
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** Whether a person is watching, on a terminal that can redraw a line. */
  get interactive(): boolean {
    return process.stderr.isTTY === true && process.env.TERM !== "dumb";
  }

  /** Aside from what matters: dim, where the terminal has styles and the user has not turned them off (NO_COLOR). */
  dim(text: string): string {
    return hasStyles(process.stderr) ? styleText("dim", text, { validateStream: false }) : text;
  }

  /** A result for people, left out with `--json`. */
  print(text: string): void {
    if (!this.json) process.stdout.write(text);
  }

  /** A result for programs, one line, only with `--json`. */
  emit(value: unknown): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A message of the catalogue, on a line of its own. */
  say<C extends Code>(code: C, facts: Facts[C]): void {
    this.tell(`${say(code, facts)}\n`);
  }

  /** Text for the person at the terminal. */
  tell(text: string): void {
    process.stderr.write(text);
  }

  /**
   * A signal that the first Ctrl-C aborts, for a command that then saves and returns 130; a second Ctrl-C ends at once.
   * A command that does not ask for it is ended by the first.
   */
  interruption(): AbortSignal {
    return listen().signal;
  }

  /**
   * What `body` gives, or undefined when Ctrl-C stopped it: it gets such a signal, and throws when that is aborted. Before and
   * after `body` Ctrl-C ends the program.
   */
  async interruptible<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { signal, stop } = listen();
    try {
      return await body(signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) return undefined;
      throw error;
    } finally {
      stop();
    }
  }
}

/** Whether a stream is a terminal with styles; NO_COLOR and FORCE_COLOR are heeded. */
export function hasStyles(stream: Partial<Pick<WriteStream, "isTTY" | "hasColors">>): boolean {
  return stream.isTTY === true && stream.hasColors?.() === true;
}

function listen(): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const onInterrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.on(name, onInterrupt);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of signals) process.off(name, onInterrupt);
    },
  };
}
