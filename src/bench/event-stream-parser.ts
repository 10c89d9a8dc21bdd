/**
 * Cuts a stream of bytes into the data of its server-sent events, however the bytes are cut.
 * WHATWG HTML, section 9.2.6. Names of events, ids and comments are left out; what stands at the end of the stream without an
 * empty line after it counts as an event, since not every server writes the last one.
 */
export class EventStreamParser {
  readonly #decoder = new TextDecoder();
  #line = "";
  #data: string | undefined;
  #afterReturn = false;

  /** The data of every event that `bytes` complete. */
  push(bytes: Uint8Array): string[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The data of what the stream ended with. */
  end(): string[] {
    return this.#take(`${this.#decoder.decode()}\n\n`);
  }

  #take(decoded: string): string[] {
    if (decoded === "") return [];
    // The second half of \r\n, whose first half ended a line already.
    const text = this.#afterReturn && decoded.startsWith("\n") ? decoded.slice(1) : decoded;
    this.#afterReturn = decoded.endsWith("\r");
    const lines = (this.#line + text).split(/\r\n|\n|\r/);
    this.#line = lines.pop() ?? "";
    const events: string[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.#data !== undefined) events.push(this.#data);
        this.#data = undefined;
      } else if (line === "data" || line.startsWith("data:")) {
        const value = line.slice(line.startsWith("data: ") ? 6 : 5);
        this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
      }
    }
    return events;
  }
}
