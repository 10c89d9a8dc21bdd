import type { GrammarMatcher } from "@mlc-ai/web-xgrammar";

/** Which tokens may come next in one text, as a bit for each id: id % 32 of word id / 32. */
export type TokenMask = Int32Array;

/** Rules that the tokens of one text follow. */
export interface TokenConstraint {
  /** Tokens that may come next; undefined: any. At least one may. */
  mask(): Promise<TokenMask | undefined>;
  /** The token that came, one of those. */
  accept(id: number): void;
  dispose(): void;
}

export function allows(mask: TokenMask, id: number): boolean {
  return (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
}

/** The lowest of them. */
export function firstAllowed(mask: TokenMask = Int32Array.of()): number {
  const word = mask.findIndex((bits) => bits !== 0);
  if (word < 0) throw new Error("a mask leaves at least one token");
  const bits = mask[word] ?? 0;
  return word * 32 + 31 - Math.clz32(bits & -bits);
}

/** What a mask adds to the logits: 0, or −∞ for tokens that may not come. [V] */
export function maskBias(mask: TokenMask, size: number): Float32Array {
  const bias = new Float32Array(size).fill(Number.NEGATIVE_INFINITY);
  for (const [word, bits] of mask.entries()) {
    const from = word * 32;
    if (bits === -1) bias.fill(0, from, from + 32);
    for (let rest = bits === -1 ? 0 : bits; rest !== 0; rest &= rest - 1)
      bias[from + 31 - Math.clz32(rest & -rest)] = 0;
  }
  return bias;
}

/** A grammar that holds from the first token on; then comes an end token. */
export class GrammarConstraint implements TokenConstraint {
  readonly #matcher: GrammarMatcher;

  constructor(matcher: GrammarMatcher) {
    this.#matcher = matcher;
  }

  async mask(): Promise<TokenMask | undefined> {
    return this.#matcher.isTerminated() ? undefined : this.#matcher.getNextTokenBitmask();
  }

  accept(id: number): void {
    if (!this.#matcher.isTerminated()) this.#matcher.acceptToken(id);
  }

  dispose(): void {
    this.#matcher.dispose();
  }
}

/** Tokens that open and close thoughts. */
export interface ThoughtMarks {
  open?: number | undefined;
  close: number;
}

/** Thoughts, which are free, then what another constraint says. */
export class AfterThoughts implements TokenConstraint {
  readonly #answer: TokenConstraint;
  readonly #marks: ThoughtMarks;
  #place: "before" | "inside" | "behind";

  /** inside: the text begins within thoughts; otherwise it may open them, or do without. */
  constructor(answer: TokenConstraint, marks: ThoughtMarks, isInside: boolean) {
    this.#answer = answer;
    this.#marks = marks;
    this.#place = isInside ? "inside" : "before";
  }

  async mask(): Promise<TokenMask | undefined> {
    if (this.#place === "inside") return undefined;
    const mask = await this.#answer.mask();
    const { open } = this.#marks;
    if (mask && this.#place === "before" && open !== undefined)
      mask[open >>> 5] = (mask[open >>> 5] ?? 0) | (1 << (open & 31));
    return mask;
  }

  accept(id: number): void {
    if (this.#place === "inside") {
      if (id === this.#marks.close) this.#place = "behind";
    } else if (this.#place === "before" && id === this.#marks.open) {
      this.#place = "inside";
    } else {
      this.#place = "behind";
      this.#answer.accept(id);
    }
  }

  dispose(): void {
    this.#answer.dispose();
  }
}
