import { z } from "zod";

// How Python writes values as text and trims it: templates were written for it, and @huggingface/jinja does it as JavaScript.

/** A value of the template engine. */
const EngineValue = z.looseObject({ type: z.string(), value: z.unknown() });

/** What Python's str() gives for the engine's values; undefined ones are empty, as in Jinja. */
export function pythonText(wrapped: unknown): string {
  const [value] = z.tuple([EngineValue]).parse(wrapped);
  if (value.type === "UndefinedValue") return "";
  return value.type === "StringValue" ? String(value.value) : representation(value);
}

/** Python's repr(). */
function representation(given: unknown): string {
  const { type, value } = EngineValue.parse(given);
  if (type === "StringValue") return quoted(String(value));
  if (type === "NullValue") return "None";
  if (type === "BooleanValue") return value ? "True" : "False";
  if (type === "FloatValue") return float(Number(value));
  if (Array.isArray(value)) {
    const items = value.map(representation).join(", ");
    if (type !== "TupleValue") return `[${items}]`;
    return value.length === 1 ? `(${items},)` : `(${items})`;
  }
  if (value instanceof Map) {
    return `{${[...value].map(([key, each]) => `${quoted(String(key))}: ${representation(each)}`).join(", ")}}`;
  }
  return String(value);
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll(/[\\\n\r\t]|\p{Cc}|[\u00ad\u2028\u2029\u3000]|(?! )\p{Zs}/gu, escapeOf);
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}

function escapeOf(character: string): string {
  const short: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return short[character] ?? (code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`);
}

/** The shortest digits that read back as the number, with an exponent from 1e16 on and below 1e-4. */
function float(value: number): string {
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (value !== 0 && (power >= 16 || power < -4)) {
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** What Python's strip() takes off; JavaScript's trim() knows neither U+001C nor U+0085, but U+FEFF. */
const pythonBlanks =
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

/** Python's strip, lstrip and rstrip: takes any of `characters` off the ends. */
export const pythonStrip = {
  strip: (text: unknown, characters?: unknown) => strip(text, characters, true, true),
  lstrip: (text: unknown, characters?: unknown) => strip(text, characters, true, false),
  rstrip: (text: unknown, characters?: unknown) => strip(text, characters, false, true),
};

function strip(text: unknown, characters: unknown, left: boolean, right: boolean): string {
  if (typeof text !== "string") throw new Error("only text can be stripped");
  const taken = new Set(typeof characters === "string" ? characters : pythonBlanks);
  const units = [...text];
  let [start, end] = [0, units.length];
  while (left && start < end && taken.has(units[start] ?? "")) start++;
  while (right && end > start && taken.has(units[end - 1] ?? "")) end--;
  return units.slice(start, end).join("");
}
