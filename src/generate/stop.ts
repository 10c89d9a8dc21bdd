/**
 * Cuts a stream of text at the first of some stop strings. Text that may be the beginning of one is held back until it is
 * clear that it is not.
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = "";
  #found: string | undefined;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** A stop string has been seen; nothing follows. */
  get stopped(): boolean {
    return this.#found !== undefined;
  }
  /** The one that was seen. */
  get found(): string | undefined {
    return this.#found;
  }

  /** Takes more text and returns what is certain to stay. */
  add(text: string): string {
    if (this.stopped) return "";
    this.#held += text;
    const places = this.#stops.map((stop) => ({ stop, at: this.#held.indexOf(stop) })).filter(({ at }) => at >= 0);
    const [first] = places.sort((a, b) => a.at - b.at);
    if (first) {
      this.#found = first.stop;
      return this.#take(first.at);
    }
    return this.#take(this.#held.length - this.#longestBeginning());
  }

  /** The rest, when no more text comes. */
  finish(): string {
    return this.stopped ? "" : this.#take(this.#held.length);
  }

  #take(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }

  /** How much of the held text's end is the beginning of a stop string. */
  #longestBeginning(): number {
    const lengths = this.#stops.flatMap((stop) =>
      Array.from({ length: stop.length - 1 }, (_, i) => i + 1).filter((length) =>
        this.#held.endsWith(stop.slice(0, length)),
      ),
    );
    return Math.max(0, ...lengths);
  }
}
