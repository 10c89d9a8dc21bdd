import { UserError } from "../../protocol/user-error.ts";
import { type JsonLine, parseJsonLines, readUtf8 } from "../json-lines.ts";

/** The values of a file that is a JSON array, JSON lines (whatever its name ends with) or one JSON object. */
export async function readInput(file: string): Promise<JsonLine[]> {
  const text = await readUtf8(file);
  if (text === undefined) throw new UserError("data/no-file", { path: file });
  const whole = parseWhole(text);
  if (Array.isArray(whole)) {
    const lines = elementLines(text);
    return whole.map((value: unknown, index) => ({ line: lines[index] ?? 1, value }));
  }
  const lines = parseJsonLines(text);
  if (whole !== undefined) return [{ line: lines[0]?.line ?? 1, value: whole }];
  if (text.trimStart().startsWith("[") && lines.every(({ problem }) => problem !== undefined)) {
    throw new UserError("data/convert-bad-array", { file, reason: reasonOf(text) });
  }
  return lines;
}

function parseWhole(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The line on which each element of a valid JSON array starts. */
function elementLines(text: string): number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let isNext = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? "";
    if (character === "\n") line++;
    if (/\s/.test(character)) continue;
    if (isNext && depth === 1 && character !== "]") lines.push(line);
    isNext = (depth === 0 && character === "[") || (depth === 1 && character === ",");
    if (character === '"') i = endOfString(text, i);
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
  }
  return lines;
}

/** The position of the quote that ends the string that starts at `start`; JSON strings have no line breaks. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}
