import type { CallableTool } from "./json-call.ts";
import { onlyText } from "./marked-calls.ts";
import type { Reading, TextCursor } from "./text-cursor.ts";

/** The whole answer is a list of Python calls with keyword arguments: [f(a=1, b="x"), g()] */
export function* pythonicCalls(cursor: TextCursor, tools: readonly CallableTool[]): Reading<void> {
  const start = cursor.place;
  yield* cursor.blanks();
  yield* cursor.takes("<|python_start|>");
  yield* cursor.blanks();
  if (!(yield* cursor.takes("[")) || !(yield* call(cursor, tools))) cursor.place = start;
  else {
    for (;;) {
      yield* cursor.blanks();
      const behind = cursor.place;
      if (yield* cursor.takes(",")) {
        yield* cursor.blanks();
        if (yield* call(cursor, tools)) continue;
        cursor.place = behind;
      }
      yield* cursor.takes("]");
      yield* cursor.takes("<|python_end|>");
      break;
    }
  }
  yield* onlyText(cursor);
}

function* call(cursor: TextCursor, tools: readonly CallableTool[]): Reading<boolean> {
  const name = yield* cursor.while(/[\w.-]/);
  if (!tools.some((tool) => tool.name === name) || !(yield* cursor.takes("("))) return false;
  cursor.call(name);
  cursor.arguments("{");
  const write = (text: string): void => cursor.arguments(text);
  for (let isFirst = true; ; isFirst = false) {
    yield* cursor.while(/[\s,]/);
    if (yield* cursor.takes(")")) break;
    const key = yield* cursor.while(/[^\s=)]/);
    yield* cursor.blanks();
    if (!(yield* cursor.takes("="))) return true; // broken or cut: the arguments are left open
    yield* cursor.blanks();
    write(`${isFirst ? "" : ", "}${JSON.stringify(key)}: `);
    if (!(yield* value(cursor, write))) return true;
  }
  write("}");
  return true;
}

const constants: { [literal: string]: string } = { True: "true", False: "false", None: "null" };

/** A Python literal as JSON. False where it is none; what was read is written as it stands. */
function* value(cursor: TextCursor, write: (text: string) => void): Reading<boolean> {
  const first = yield* cursor.peek();
  if (first === '"' || first === "'") return yield* quoted(cursor, first, write);
  if (first === "[" || first === "{" || first === "(") return yield* container(cursor, first, write);
  const word = yield* cursor.while(/[^\s,)\]}:]/);
  const json = constants[word] ?? word;
  write(json);
  return /^(true|false|null|-?\d+(\.\d+)?([eE][-+]?\d+)?)$/.test(json);
}

function* quoted(cursor: TextCursor, quote: string, write: (text: string) => void): Reading<boolean> {
  yield* cursor.next();
  write('"');
  for (;;) {
    const character = yield* cursor.next();
    if (character === undefined) return false;
    if (character === quote) break;
    if (character !== "\\") {
      write(JSON.stringify(character).slice(1, -1));
      continue;
    }
    const escaped = (yield* cursor.next()) ?? "";
    write(
      /["\\/bfnrtu]/.test(escaped)
        ? `\\${escaped}`
        : JSON.stringify(escaped === "'" ? escaped : `\\${escaped}`).slice(1, -1),
    );
  }
  write('"');
  return true;
}

function* container(cursor: TextCursor, open: "[" | "{" | "(", write: (text: string) => void): Reading<boolean> {
  yield* cursor.next();
  const isObject = open === "{";
  write(isObject ? "{" : "[");
  for (let isFirst = true; ; isFirst = false) {
    yield* cursor.while(/[\s,]/);
    if ((yield* cursor.takesOneOf([isObject ? "}" : open === "[" ? "]" : ")"])) !== undefined) break;
    if (!isFirst) write(", ");
    if (!(yield* value(cursor, write))) return false;
    if (!isObject) continue;
    yield* cursor.blanks();
    if (!(yield* cursor.takes(":"))) return false;
    yield* cursor.blanks();
    write(": ");
    if (!(yield* value(cursor, write))) return false;
  }
  write(isObject ? "}" : "]");
  return true;
}
