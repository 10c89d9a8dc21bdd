import { anyOf, ascii, literal, notAscii, repeated, sequence } from "./ebnf.ts";

/** Why a regular expression cannot become a grammar. */
export class PatternError extends Error {}

/** What follows a backslash in a JSON string. Surrogates are never escaped. */
export const jsonEscape = '(["\\\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F] | [dD] [0-7]) [0-9a-fA-F] [0-9a-fA-F])';

/** What may stand in a JSON string for one character: itself, or an escape. */
export const jsonCharacter = `([^"\\\\\\x00-\\x1f] | "\\\\" ${jsonEscape})`;

/** The content of a JSON string that matches a regular expression of ECMAScript somewhere, as EBNF. @throws PatternError */
export function stringPattern(pattern: string): string {
  const reader = new PatternReader(pattern);
  const found = reader.alternatives(true);
  if (!reader.isAtEnd) throw new PatternError(`) without ( at ${reader.place}`);
  return found;
}

export type Ranges = [number, number][];
const top = 0x10ffff;

const classes: Record<string, Ranges> = {
  d: [[48, 57]],
  w: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  s: [
    [9, 13],
    [32, 32],
  ],
};

const controls: Record<string, number> = { n: 10, r: 13, t: 9, v: 11, f: 12, "0": 0 };

/** More, nested ones multiplied, take seconds to compile. */
const mostRepeats = 10_000;

/** Recursive descent over one pattern. */
class PatternReader {
  readonly #letters: string[];
  place = 0;
  /** How often the innermost of what was read may be repeated. */
  #repeats = 1;

  constructor(pattern: string) {
    this.#letters = [...pattern];
  }

  get isAtEnd(): boolean {
    return this.place >= this.#letters.length;
  }

  alternatives(isOutermost = false): string {
    const parts = [this.#terms(isOutermost)];
    while (this.#takes("|")) parts.push(this.#terms(isOutermost));
    return anyOf(parts);
  }

  /** Outermost, what is not anchored may have anything around it. */
  #terms(isOutermost: boolean): string {
    const anything = repeated(jsonCharacter, 0);
    const parts = isOutermost && !this.#takes("^") ? [anything] : [];
    let isAnchored = false;
    while (!this.isAtEnd && !["|", ")"].includes(this.#next)) {
      if (isAnchored) throw new PatternError("text behind $");
      if (isOutermost && this.#takes("$")) isAnchored = true;
      else parts.push(this.#quantified());
    }
    if (isOutermost && !isAnchored) parts.push(anything);
    return sequence(...parts);
  }

  #atom(): string {
    const letter = this.#take();
    switch (letter) {
      case "(":
        return this.#group();
      case "[":
        return written(this.#class());
      case ".":
        return written(inverted([[10, 10], [13, 13], [0x2028, 0x2029]])); // biome-ignore format: pairs
      case "\\":
        return written(this.#escape());
      case "^":
      case "$":
        throw new PatternError(`${letter} inside`);
      case "*":
      case "+":
      case "?":
        throw new PatternError(`${letter} with nothing before it`);
    }
    return written(one(letter));
  }

  #group(): string {
    if (this.#takes("?")) {
      const kind = this.#take();
      const isNamed = kind === "<" && !["=", "!"].includes(this.#next);
      if (isNamed) while (this.#take() !== ">");
      else if (kind !== ":") throw new PatternError("a look around");
    }
    const inside = this.alternatives();
    if (!this.#takes(")")) throw new PatternError("( without )");
    return inside;
  }

  #quantified(): string {
    const before = this.#repeats;
    this.#repeats = 1;
    const atom = this.#atom();
    const counts = this.#quantifier();
    const repeats = this.#repeats * Math.max(1, counts?.[1] ?? counts?.[0] ?? 1);
    if (repeats > mostRepeats) throw new PatternError(`${repeats} repetitions`);
    this.#repeats = Math.max(before, repeats);
    if (!counts) return atom;
    this.#takes("?"); // lazy or not, the same texts match
    return repeated(atom, ...counts);
  }

  #quantifier(): [number, number?] | undefined {
    if (this.#takes("*")) return [0];
    if (this.#takes("+")) return [1];
    if (this.#takes("?")) return [0, 1];
    const counted = /^\{(\d+)(,?)(\d*)\}/.exec(this.#letters.slice(this.place, this.place + 24).join(""));
    if (!counted) return undefined;
    const [all, least = "", comma, most] = counted;
    this.place += all.length;
    if (comma === "") return [Number(least), Number(least)];
    return most ? [Number(least), Number(most)] : [Number(least)];
  }

  #class(): Ranges {
    const isInverted = this.#takes("^");
    const ranges: Ranges = [];
    while (!this.#takes("]")) {
      const from = this.#classPart();
      const single = from.length === 1 && from[0]?.[0] === from[0]?.[1];
      if (!single || this.#next !== "-" || this.#letters[this.place + 1] === "]") {
        ranges.push(...from);
        continue;
      }
      this.#take();
      const to = this.#classPart();
      ranges.push([from[0]?.[0] ?? 0, to[0]?.[1] ?? 0]);
    }
    return isInverted ? inverted(ranges) : ranges;
  }

  #classPart(): Ranges {
    const letter = this.#take();
    return letter === "\\" ? this.#escape() : one(letter);
  }

  #escape(): Ranges {
    const letter = this.#take();
    const known = classes[letter.toLowerCase()];
    if (known) return letter === letter.toLowerCase() ? known : inverted(known);
    const control = controls[letter];
    if (control !== undefined) return [[control, control]];
    if (letter === "x") return this.#code(2);
    if (letter === "u") return this.#code(4);
    if (/[1-9a-zA-Z]/.test(letter)) throw new PatternError(`\\${letter}`);
    return one(letter);
  }

  #code(digits: number): Ranges {
    const code = Number.parseInt(Array.from({ length: digits }, () => this.#take()).join(""), 16);
    if (Number.isNaN(code)) throw new PatternError("a number of a character that is none");
    return [[code, code]];
  }

  get #next(): string {
    return this.#letters[this.place] ?? "";
  }

  #take(): string {
    const letter = this.#letters[this.place++];
    if (letter === undefined) throw new PatternError("an end in the middle");
    return letter;
  }

  #takes(letter: string): boolean {
    if (this.#next !== letter) return false;
    this.place++;
    return true;
  }
}

function one(letter: string): Ranges {
  const code = letter.codePointAt(0) ?? 0;
  return [[code, code]];
}

function inverted(ranges: Ranges): Ranges {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  const others: Ranges = [];
  let from = 0;
  for (const [start, end] of sorted) {
    if (start > from) others.push([from, start - 1]);
    from = Math.max(from, end + 1);
  }
  if (from <= top) others.push([from, top]);
  return others;
}

const asciiEnd = 0x7f;
/** Characters beyond ASCII that are written one by one. */
const mostAlternatives = 256;

/** One of these characters inside a JSON string. */
export function written(ranges: Ranges): string {
  const escapes = [8, 9, 10, 12, 13, 34, 92].filter((code) => ranges.some(([from, to]) => from <= code && code <= to));
  const parts = [
    ...plain(ranges),
    ...escapes.map((code) => literal(JSON.stringify(String.fromCodePoint(code)).slice(1, -1))),
  ];
  if (parts.length === 0) throw new PatternError("a class without characters");
  return anyOf(parts);
}

/** Those that need no escape. A class that leaves out few characters beyond ASCII (line separators, rare blanks) allows all of them. */
function plain(ranges: Ranges): string[] {
  const own = common(ranges, [
    [32, 33],
    [35, 91],
    [93, asciiEnd],
  ]);
  const beyond = common(ranges, [[asciiEnd + 1, top]]);
  const count = beyond.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  if (count > top - 4096) return [notAscii(common(inverted(own), [[0, asciiEnd]]))];
  if (count > mostAlternatives) throw new PatternError("a range of characters beyond ASCII");
  const letters = beyond.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  return [...(own.length > 0 ? [ascii(own)] : []), ...letters.map((code) => literal(String.fromCodePoint(code)))];
}

function common(a: Ranges, b: Ranges): Ranges {
  return a.flatMap(([from, to]) =>
    b.flatMap(([start, end]): Ranges => {
      const [low, high] = [Math.max(from, start), Math.min(to, end)];
      return low <= high ? [[low, high]] : [];
    }),
  );
}
