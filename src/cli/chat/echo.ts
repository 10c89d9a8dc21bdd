import { Writable } from "node:stream";

/** What is used of a terminal to write to, such as `process.stderr`. */
export interface Terminal {
  isTTY?: boolean;
  columns: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
}

/** What a line editor writes to a terminal; while it is muted, nothing, so that typing does not run into an answer. */
export class Echo extends Writable {
  isMuted = false;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    terminal.on("resize", () => this.emit("resize"));
  }

  get columns(): number {
    return this.#terminal.columns;
  }

  /** Text that is shown in any case. */
  send(text: string): void {
    this.#terminal.write(text);
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isMuted) this.#terminal.write(chunk);
    done();
  }
}
