import { createInterface, type Interface } from "node:readline";
import { say } from "../../protocol/language.ts";
import { readHistory, writeHistory } from "./chat-history.ts";
import { Echo, type Terminal } from "./echo.ts";

const historySize = 500;
/** Before each line but the first of a text of several lines. */
const continued = "… ";
/** Asks the terminal to mark what is pasted, and no longer; one without cursor control would print this. */
const markPastes = process.env.TERM === "dumb" ? (["", ""] as const) : (["\x1b[?2004h", "\x1b[?2004l"] as const);

/**
 * Texts that a person types, with editing, pasting and a history that lasts; or the lines of a file that is piped in. What is
 * typed before it is asked for is kept, and shown when it is.
 */
export class LineReader {
  readonly isTerminal: boolean;
  /** What Ctrl-C does: while an answer comes, ends it. */
  onInterrupt: (() => void) | undefined;
  readonly #reader: Interface;
  readonly #echo: Echo;
  readonly #texts: string[] = [];
  /** The lines of a paste that came before the one that is edited. */
  #above: string[] = [];
  #prompt = "";
  #isPasting = false;
  #isAsking = false;
  /** Ctrl-C at an empty prompt ends the chat the second time. */
  #isWarned = false;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(input: NodeJS.ReadableStream & { isTTY?: boolean } = process.stdin, output: Terminal = process.stderr) {
    this.isTerminal = input.isTTY === true && output.isTTY === true;
    this.#echo = new Echo(output);
    this.#reader = createInterface({
      input,
      output: this.isTerminal ? this.#echo : undefined,
      terminal: this.isTerminal,
      history: this.isTerminal ? readHistory() : [],
      historySize,
      removeHistoryDuplicates: true,
    });
    this.#reader.on("line", (line) => this.#take(line));
    this.#reader.on("close", () => this.#end());
    this.#reader.on("SIGINT", () => this.#interrupt());
    if (!this.isTerminal) return;
    this.#reader.on("history", (history) => this.#remember(history));
    input.on("keypress", (_, key: { name?: string } | undefined) => {
      if (key?.name === "paste-start" || key?.name === "paste-end") this.#isPasting = key.name === "paste-start";
    });
    this.#echo.send(markPastes[0]);
  }

  /** The next text, or undefined at the end of input. `initial` stands there to be edited. */
  async next(prompt: string, initial = ""): Promise<string | undefined> {
    this.#echo.isMuted = false;
    this.#prompt = prompt;
    if (this.isTerminal && !this.#isClosed) this.#show(initial);
    this.#isAsking = true;
    while (this.#texts.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isAsking = false;
    this.#echo.isMuted = true;
    return this.#texts.shift();
  }

  close(): void {
    this.#reader.close();
  }

  /** The prompt with what was typed ahead. */
  #show(initial: string): void {
    const [ready] = this.#texts;
    const lines = ready?.split("\n") ?? this.#above;
    this.#echo.send(lines.map((line, i) => `${i === 0 ? this.#prompt : continued}${line}\n`).join(""));
    if (ready !== undefined) return;
    this.#reader.setPrompt(this.#above.length > 0 ? continued : this.#prompt);
    this.#edit(initial || this.#reader.line);
    this.#reader.prompt(true);
  }

  #take(line: string): void {
    this.#isWarned = false;
    if (this.#isPasting) {
      this.#above.push(line);
      this.#reader.setPrompt(continued);
      this.#reader.prompt();
      return;
    }
    this.#texts.push([...this.#above, line].join("\n"));
    this.#above = [];
    this.#echo.isMuted = this.isTerminal;
    this.#wake?.();
  }

  /** One entry for a text, however many lines it has. */
  #remember(history: string[]): void {
    if (this.#isPasting) {
      history.shift();
      return;
    }
    if (this.#above.length > 0) history[0] = [...this.#above, history[0] ?? ""].join("\n");
    writeHistory(history.slice(0, historySize));
  }

  #interrupt(): void {
    const isEmpty = this.#reader.line === "" && this.#above.length === 0;
    if (this.onInterrupt) this.onInterrupt();
    else if (isEmpty && this.#isWarned) this.#reader.close();
    else {
      this.#echo.send(isEmpty ? `\n${say("chat/how-to-end", {})}\n` : "\n");
      this.#isWarned = isEmpty;
      this.#isPasting = false; // its end may never come
      this.#above = [];
      this.#edit("");
      this.#reader.setPrompt(this.#prompt);
      this.#reader.prompt();
    }
  }

  /** Puts a text, of several lines even, where the person types: at the terminal's line, whatever was shown above. */
  #edit(text: string): void {
    Object.assign(this.#reader, { line: text, cursor: text.length, prevRows: 0 });
  }

  #end(): void {
    this.#isClosed = true;
    if (this.isTerminal) {
      this.#echo.isMuted = false;
      this.#echo.send(`${this.#isAsking ? "\n" : ""}${markPastes[1]}`);
    }
    this.#wake?.();
  }
}
