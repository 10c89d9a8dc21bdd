import { anyOf, empty, literal, optional, repeated, sequence } from "./ebnf.ts";

/** Bounds of a number, as JSON schemas write them; each may be missing. */
export interface NumberBounds {
  minimum?: number | undefined;
  maximum?: number | undefined;
  exclusiveMinimum?: number | undefined;
  exclusiveMaximum?: number | undefined;
}

/** Digits before the point, and behind it, at most: what a double tells apart. */
const mostDigits = 15;
const digit = "[0-9]";
const fraction = sequence(literal("."), repeated(digit, 1, mostDigits));
const whole = anyOf([literal("0"), sequence("[1-9]", repeated(digit, 0, mostDigits - 1))]);
const exponent = sequence("[eE]", optional("[-+]"), repeated(digit, 1, 2));

/** An integer within bounds as EBNF; undefined when there is none. */
export function integerRange(bounds: NumberBounds): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = bounds;
  const lows = [minimum && Math.ceil(minimum), exclusiveMinimum !== undefined && Math.floor(exclusiveMinimum) + 1];
  const highs = [maximum && Math.floor(maximum), exclusiveMaximum !== undefined && Math.ceil(exclusiveMaximum) - 1];
  const [low, high] = [highest(lows), lowest(highs)];
  if (low === undefined && high === undefined) return sequence(optional(literal("-")), whole);
  return signed(scaled(low, 0), scaled(high, 0), (from, to) => written(from, to, 0));
}

/** A number within bounds as EBNF, bounded ones without an exponent; undefined when there is none. */
export function numberRange(bounds: NumberBounds): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = bounds;
  const known = [minimum, maximum, exclusiveMinimum, exclusiveMaximum].filter((each) => each !== undefined);
  if (known.length === 0) return sequence(optional(literal("-")), whole, optional(fraction), optional(exponent));
  const isExclusive = exclusiveMinimum !== undefined || exclusiveMaximum !== undefined;
  // Next to an excluded bound stands the nearest number with three more digits.
  const scale = Math.min(12, Math.max(...known.map(decimals))) + (isExclusive ? 3 : 0);
  const [least, most] = [scaled(exclusiveMinimum, scale), scaled(exclusiveMaximum, scale)];
  const low = greater(scaled(minimum, scale), least === undefined ? undefined : least + 1n);
  const high = smaller(scaled(maximum, scale), most === undefined ? undefined : most - 1n);
  const digits = signed(low, high, (from, to) => withMoreDigits(from, to, scale), 0n);
  const integer = scale > 0 ? integerRange(bounds) : undefined;
  const parts = [integer, digits].filter((each) => each !== undefined);
  return parts.length > 0 ? anyOf(parts) : undefined;
}

type Magnitudes = (from: bigint, to: bigint | undefined) => string | undefined;

/** Numbers at least `low` and at most `high`; `magnitudes` writes those without a sign, from `smallest` on behind a minus. */
function signed(low: bigint | undefined, high: bigint | undefined, magnitudes: Magnitudes, smallest = 1n) {
  const parts: string[] = [];
  if (high === undefined || high >= 0n) {
    const positive = magnitudes(low !== undefined && low > 0n ? low : 0n, high);
    if (positive !== undefined) parts.push(positive);
  }
  if (low === undefined || low < 0n) {
    const from = high !== undefined && -high > smallest ? -high : smallest;
    const negative = magnitudes(from, low === undefined ? undefined : -low);
    if (negative !== undefined) parts.push(sequence(literal("-"), negative));
  }
  return parts.length > 0 ? anyOf(parts) : undefined;
}

/** Each but the greatest may go on with further digits. */
function withMoreDigits(from: bigint, to: bigint | undefined, scale: number): string | undefined {
  const more = scale === 0 ? optional(fraction) : repeated(digit, 0, mostDigits - Math.min(scale, mostDigits));
  const below = written(from, to === undefined ? undefined : to - 1n, scale);
  const parts = [
    ...(below === undefined ? [] : [sequence(below, more)]),
    ...(to !== undefined && to >= from ? [written(to, to, scale) ?? empty] : []),
  ];
  return parts.length > 0 ? anyOf(parts) : undefined;
}

/** Whole numbers from `from` to `to`, with a point `scale` digits from the right. */
function written(from: bigint, to: bigint | undefined, scale: number): string | undefined {
  const greatest = 10n ** BigInt(mostDigits + scale) - 1n;
  const end = to === undefined || to > greatest ? greatest : to;
  if (from > end) return undefined;
  const shortest = scale + 1;
  const digits = (value: bigint): string => `${value}`.padStart(shortest, "0");
  const [low, high] = [digits(from), digits(end)];
  if (low.length === high.length) return between(low, high, scale);
  // Lengths between the two, and those of the two themselves where they are whole, are one expression.
  const isWholeLow = /^10*$/.test(low) && low.length > shortest;
  const isWholeHigh = /^9+$/.test(high);
  const [first, last] = [low.length + (isWholeLow ? 0 : 1), high.length - (isWholeHigh ? 0 : 1)];
  const point = scale > 0 ? sequence(literal("."), repeated(digit, scale, scale)) : empty;
  return anyOf([
    ...(isWholeLow ? [] : [between(low, "9".repeat(low.length), scale)]),
    ...(first <= last ? [sequence("[1-9]", repeated(digit, first - 1 - scale, last - 1 - scale), point)] : []),
    ...(isWholeHigh ? [] : [between(`1${"0".repeat(high.length - 1)}`, high, scale)]),
  ]);
}

/** Texts of digits of the same length, in order from `low` to `high`. */
function between(low: string, high: string, scale: number): string {
  const { length } = low;
  if (length === 0) return empty;
  const point = length === scale ? literal(".") : empty;
  if (/^0+$/.test(low) && /^9+$/.test(high)) return sequence(point, anyDigits(length, scale));
  const [a = "", b = ""] = [low[0], high[0]];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (a === b) return sequence(point, literal(a), between(lowRest, highRest, scale));
  const [nines, zeros] = ["9".repeat(length - 1), "0".repeat(length - 1)];
  const start = lowRest === zeros ? Number(a) : Number(a) + 1;
  const end = highRest === nines ? Number(b) : Number(b) - 1;
  const first = start > Number(a) ? [sequence(literal(a), between(lowRest, nines, scale))] : [];
  const middle = start <= end ? [sequence(`[${start}-${end}]`, between(zeros, nines, scale))] : [];
  const last = end < Number(b) ? [sequence(literal(b), between(zeros, highRest, scale))] : [];
  return sequence(point, anyOf([...first, ...middle, ...last]));
}

function anyDigits(length: number, scale: number): string {
  if (length <= scale || scale === 0) return repeated(digit, length, length);
  return sequence(repeated(digit, length - scale, length - scale), literal("."), repeated(digit, scale, scale));
}

function decimals(value: number): number {
  const [mantissa = "", power = "0"] = `${value}`.split("e");
  return Math.max(0, (mantissa.split(".")[1] ?? "").length - Number(power));
}

/** value · 10^scale, cut at what we write. */
function scaled(value: number | undefined, scale: number): bigint | undefined {
  if (value === undefined) return undefined;
  const most = 10 ** (mostDigits + 1);
  return BigInt(Math.min(Math.max(value, -most), most).toFixed(scale).replace(".", ""));
}

function highest(values: readonly (number | false | undefined)[]): number | undefined {
  const known = values.filter((each) => typeof each === "number");
  return known.length > 0 ? Math.max(...known) : undefined;
}

function lowest(values: readonly (number | false | undefined)[]): number | undefined {
  const known = values.filter((each) => typeof each === "number");
  return known.length > 0 ? Math.min(...known) : undefined;
}

function greater(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}

function smaller(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}
