import { z } from "zod";
import type { Reading, TextCursor } from "./text-cursor.ts";

/** A tool that an answer may call: its name and the schema of its arguments. */
export interface CallableTool {
  name: string;
  parameters?: unknown;
}

const Call = z.looseObject({
  name: z.string(),
  arguments: z.unknown().optional(),
  parameters: z.unknown().optional(),
});

/** Reads one JSON value, as far as strings and brackets tell where it ends, and hands out its text. */
export function* jsonValue(cursor: TextCursor, take: (text: string) => void): Reading<boolean> {
  const first = yield* cursor.peek();
  if (first !== "{" && first !== "[") return false;
  let depth = 0;
  let isQuoted = false;
  for (;;) {
    const character = yield* cursor.next();
    if (character === undefined) return false;
    take(character);
    if (isQuoted) {
      if (character === "\\") take((yield* cursor.next()) ?? "");
      else if (character === '"') isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    if (depth === 0) return true;
  }
}

/**
 * Reads a call of the form {"name": …, "arguments": {…}}; arguments come out as they are read when the name stands before them.
 * Otherwise, and for arguments that are JSON in a string, when the whole has been read. False, and nothing read, for what is no
 * call of a tool.
 */
export function* jsonCall(cursor: TextCursor, tools: readonly CallableTool[]): Reading<boolean> {
  const start = cursor.place;
  const name = yield* nameBeforeArguments(cursor);
  if (name !== undefined && tools.some((tool) => tool.name === name)) {
    cursor.call(name);
    const isWhole = yield* jsonValue(cursor, (text) => cursor.arguments(text));
    if (isWhole) yield* closing(cursor);
    return true;
  }
  cursor.place = start;
  let text = "";
  const isWhole = yield* jsonValue(cursor, (more) => {
    text += more;
  });
  const call = isWhole ? parsedCall(text) : undefined;
  if (!call || !tools.some((tool) => tool.name === call.name)) {
    cursor.place = start;
    return false;
  }
  cursor.call(call.name);
  cursor.arguments(call.arguments);
  return true;
}

function* nameBeforeArguments(cursor: TextCursor): Reading<string | undefined> {
  if (!(yield* cursor.takes("{"))) return undefined;
  yield* cursor.blanks();
  if (yield* key(cursor, ["type"])) {
    if (!(yield* cursor.takes('"function"'))) return undefined;
    yield* cursor.blanks();
    if (!(yield* cursor.takes(","))) return undefined;
    yield* cursor.blanks();
  }
  if (!(yield* key(cursor, ["name"])) || !(yield* cursor.takes('"'))) return undefined;
  const name = yield* cursor.while(/[^"\\\n]/);
  if (!(yield* cursor.takes('"'))) return undefined;
  yield* cursor.blanks();
  if (!(yield* cursor.takes(","))) return undefined;
  yield* cursor.blanks();
  if (!(yield* key(cursor, ["arguments", "parameters"]))) return undefined;
  return (yield* cursor.peek()) === "{" ? name : undefined;
}

function* key(cursor: TextCursor, names: readonly string[]): Reading<boolean> {
  if ((yield* cursor.takesOneOf(names.map((name) => `"${name}"`))) === undefined) return false;
  yield* cursor.blanks();
  if (!(yield* cursor.takes(":"))) return false;
  yield* cursor.blanks();
  return true;
}

/** What may stand behind arguments within a call's object. */
function* closing(cursor: TextCursor): Reading<void> {
  const start = cursor.place;
  yield* cursor.blanks();
  if (yield* cursor.takes(",")) {
    let depth = 1;
    while (depth > 0) {
      const character = yield* cursor.next();
      if (character === undefined || character === "<") break;
      if (character === "{") depth++;
      if (character === "}") depth--;
    }
    if (depth > 0) cursor.place = start;
    return;
  }
  if (!(yield* cursor.takes("}"))) cursor.place = start;
}

function parsedCall(text: string): { name: string; arguments: string } | undefined {
  try {
    const call = Call.safeParse(JSON.parse(text)).data;
    if (!call) return undefined;
    const given = call.arguments ?? call.parameters ?? {};
    return { name: call.name, arguments: typeof given === "string" ? given : JSON.stringify(given) };
  } catch {
    return undefined;
  }
}
