// Words of XGrammar's EBNF: https://xgrammar.mlc.ai/docs/tutorials/ebnf_guided_generation.html

// Classes in it know ASCII only: XGrammar 0.1.27 takes ranges of other characters byte by byte.

/** Exactly this text. */
export function literal(text: string): string {
  return `"${[...text].map(escaped).join("")}"`;
}

/** One character of ASCII within these ranges of code points. */
export function ascii(ranges: readonly (readonly [number, number])[]): string {
  return `[${classBody(ranges)}]`;
}

/** One character outside these ranges of ASCII. */
export function notAscii(ranges: readonly (readonly [number, number])[]): string {
  return `[^${classBody(ranges)}]`;
}

function classBody(ranges: readonly (readonly [number, number])[]): string {
  const one = (code: number): string => escaped(String.fromCodePoint(code));
  return ranges.map(([from, to]) => (from === to ? one(from) : `${one(from)}-${one(to)}`)).join("");
}

export function sequence(...parts: readonly string[]): string {
  const wanted = parts.filter((part) => part !== empty);
  return wanted.length === 0 ? empty : wanted.join(" ");
}

export function anyOf(parts: readonly string[]): string {
  const distinct = [...new Set(parts)];
  return distinct.length === 1 ? (distinct[0] ?? empty) : `(${distinct.join(" | ")})`;
}

export function optional(part: string): string {
  return part === empty ? empty : `(${part} | "")`;
}

/** From `least` to `most` times; without `most` any number. */
export function repeated(part: string, least: number, most?: number): string {
  if (part === empty || most === 0) return empty;
  const count = most === least ? `${least}` : `${least},${most ?? ""}`;
  return count === "1" ? part : `(${part}){${count}}`;
}

export const empty = '""';

/** Punctuation by its number: what it means depends on where it stands. */
function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (/[A-Za-z0-9 ]/.test(character) || code > 0x9f) return character;
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
