import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";

const historySize = 500;

/** Lines that a person types, with editing and a history that lasts; or the lines of a file that is piped in. */
export class LineReader {
  readonly #lines: string[] = [];
  readonly #reader: Interface;
  readonly isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  #wake: (() => void) | undefined;
  #closed = false;
  /** What Ctrl-C does: while an answer comes, ends it. */
  onInterrupt: (() => void) | undefined;

  constructor() {
    this.#reader = createInterface({
      input: process.stdin,
      output: this.isTerminal ? process.stderr : undefined,
      terminal: this.isTerminal,
      history: this.isTerminal ? readHistory() : [],
      historySize,
      removeHistoryDuplicates: true,
    });
    this.#reader.on("line", (line) => this.#add(line));
    this.#reader.on("history", (history) => writeHistory(history));
    this.#reader.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
    this.#reader.on("SIGINT", () => {
      if (this.onInterrupt) this.onInterrupt();
      else if (this.#reader.line !== "") this.#reader.write(null, { ctrl: true, name: "u" });
      else this.#reader.close();
    });
  }

  /** The next line, or undefined at the end of input. `initial` stands there to be edited. */
  async next(prompt: string, initial = ""): Promise<string | undefined> {
    if (this.isTerminal && this.#lines.length === 0 && !this.#closed) {
      this.#reader.setPrompt(prompt);
      this.#reader.prompt();
      if (initial !== "") this.#reader.write(initial);
    }
    while (this.#lines.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift();
  }

  close(): void {
    this.#reader.close();
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#wake?.();
  }
}

function historyPath(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "cygnet", "chat-history");
}

function readHistory(): string[] {
  try {
    return readFileSync(historyPath(), "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

/** A history that cannot be kept is no reason to stop a conversation. */
function writeHistory(lines: readonly string[]): void {
  try {
    mkdirSync(dirname(historyPath()), { recursive: true, mode: 0o700 });
    writeFileSync(historyPath(), lines.slice(0, historySize).join("\n"), { mode: 0o600 });
  } catch {}
}
