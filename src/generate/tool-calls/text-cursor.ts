/** A piece of an answer in which a model may call tools. */
export type ToolPiece =
  | { kind: "text"; text: string }
  /** A call begins; its arguments follow as JSON text. */
  | { kind: "call"; index: number; name: string }
  | { kind: "arguments"; index: number; text: string };

/** A step of a parser that waits for the next character; undefined is the end of the text. */
export type Reading<T> = Generator<void, T, string | undefined>;

/**
 * What parsers of answers read from and write to. Parsers are generators that ask for as many characters as they need to
 * decide, so that what they find does not depend on how the text is cut.
 */
export class TextCursor {
  #buffer = "";
  #place = 0;
  #hasEnded = false;
  #blanks = "";
  #isBehindCall = false;
  #calls = 0;
  readonly #pieces: ToolPiece[] = [];

  /** The next character, which stays; undefined at the end. */
  *peek(): Reading<string | undefined> {
    while (this.#place >= this.#buffer.length && !this.#hasEnded) {
      const more = yield;
      if (more === undefined) this.#hasEnded = true;
      else this.#buffer += more;
    }
    return this.#buffer[this.#place];
  }

  *next(): Reading<string | undefined> {
    const character = yield* this.peek();
    if (character !== undefined) this.#place++;
    return character;
  }

  /** Reads exactly this, or nothing. */
  *takes(text: string): Reading<boolean> {
    const start = this.#place;
    for (const character of text.split("")) {
      if ((yield* this.next()) === character) continue;
      this.#place = start;
      return false;
    }
    return true;
  }

  *takesOneOf(texts: readonly string[]): Reading<string | undefined> {
    for (const text of texts) if (yield* this.takes(text)) return text;
    return undefined;
  }

  /** Reads characters of this kind. */
  *while(pattern: RegExp): Reading<string> {
    let found = "";
    for (;;) {
      const character = yield* this.peek();
      if (character === undefined || !pattern.test(character)) return found;
      found += character;
      this.#place++;
    }
  }

  blanks(): Reading<string> {
    return this.while(/\s/);
  }

  /** Where to come back to when what follows is no call. */
  get place(): number {
    return this.#place;
  }
  set place(place: number) {
    this.#place = place;
  }

  /** Text of the answer. Blanks wait: around calls they are left out. */
  text(text: string): void {
    for (const character of text) {
      if (/\s/.test(character)) {
        this.#blanks += character;
        continue;
      }
      this.#push({ kind: "text", text: (this.#isBehindCall ? "" : this.#blanks) + character });
      this.#blanks = "";
      this.#isBehindCall = false;
    }
  }

  call(name: string): void {
    this.#blanks = "";
    this.#isBehindCall = true;
    this.#push({ kind: "call", index: this.#calls++, name });
    this.#forget();
  }

  /** JSON text of the latest call. */
  arguments(text: string): void {
    if (text !== "") this.#push({ kind: "arguments", index: this.#calls - 1, text });
  }

  end(): void {
    if (this.#calls === 0 && this.#blanks !== "") this.#push({ kind: "text", text: this.#blanks });
    this.#blanks = "";
  }

  /** What was written since this was asked last. */
  written(): ToolPiece[] {
    return this.#pieces.splice(0);
  }

  get hasCalls(): boolean {
    return this.#calls > 0;
  }

  /** Text that nobody comes back to. */
  #forget(): void {
    this.#buffer = this.#buffer.slice(this.#place);
    this.#place = 0;
  }

  #push(piece: ToolPiece): void {
    const last = this.#pieces.at(-1);
    if (last?.kind === "text" && piece.kind === "text") last.text += piece.text;
    else if (last?.kind === "arguments" && piece.kind === "arguments" && last.index === piece.index)
      last.text += piece.text;
    else this.#pieces.push(piece);
  }
}
