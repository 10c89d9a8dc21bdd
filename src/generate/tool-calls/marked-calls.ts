import { type CallableTool, jsonCall, jsonValue } from "./json-call.ts";
import type { Reading, TextCursor } from "./text-cursor.ts";

// Families whose calls stand between marks. Each parser reads a whole answer.

export type CallParser = (cursor: TextCursor, tools: readonly CallableTool[]) => Reading<void>;

/** Text up to a call, and calls, until the answer ends. A mark that no call follows is text. */
export function* textAndCalls(
  cursor: TextCursor,
  marks: readonly string[],
  call: () => Reading<boolean>,
): Reading<void> {
  for (;;) {
    const mark = yield* cursor.takesOneOf(marks);
    if (mark !== undefined) {
      const start = cursor.place;
      if (yield* call()) continue;
      cursor.place = start;
      cursor.text(mark);
      continue;
    }
    const character = yield* cursor.next();
    if (character === undefined) return;
    cursor.text(character);
  }
}

export function* onlyText(cursor: TextCursor): Reading<void> {
  for (let character = yield* cursor.next(); character !== undefined; character = yield* cursor.next())
    cursor.text(character);
}

/** Qwen, Hermes: <tool_call>{"name": …, "arguments": …}</tool_call> */
export function* hermesCalls(cursor: TextCursor, tools: readonly CallableTool[]): Reading<void> {
  yield* textAndCalls(cursor, ["<tool_call>"], function* () {
    yield* cursor.blanks();
    if (!(yield* jsonCall(cursor, tools))) return false;
    yield* ends(cursor, "</tool_call>");
    return true;
  });
}

/** Mistral: [TOOL_CALLS][{"name": …, "arguments": …}, …], and newer ones [TOOL_CALLS]name[ARGS]{…} */
export function* mistralCalls(cursor: TextCursor, tools: readonly CallableTool[]): Reading<void> {
  yield* textAndCalls(cursor, ["[TOOL_CALLS]"], function* () {
    yield* cursor.blanks();
    if (yield* cursor.takes("[")) {
      yield* cursor.blanks();
      let count = 0;
      while (yield* jsonCall(cursor, tools)) {
        count++;
        yield* ends(cursor, ",");
        yield* cursor.blanks();
      }
      if (count > 0) yield* ends(cursor, "]");
      return count > 0;
    }
    const name = yield* cursor.while(/[^[{\s]/);
    if (!tools.some((tool) => tool.name === name)) return false;
    if (yield* cursor.takes("[CALL_ID]")) yield* cursor.while(/[^[{]/);
    yield* cursor.takes("[ARGS]");
    yield* cursor.blanks();
    if ((yield* cursor.peek()) !== "{") return false;
    cursor.call(name);
    yield* jsonValue(cursor, (text) => cursor.arguments(text));
    return true;
  });
}

const deepSeek = {
  begin: "<｜tool▁calls▁begin｜>",
  call: "<｜tool▁call▁begin｜>",
  separator: "<｜tool▁sep｜>",
  callEnd: "<｜tool▁call▁end｜>",
  end: "<｜tool▁calls▁end｜>",
};

/** DeepSeek: NAME, a separator and JSON; before version 3.1 "function", a separator, NAME and JSON in a block of code. */
export function* deepSeekCalls(cursor: TextCursor, tools: readonly CallableTool[]): Reading<void> {
  yield* textAndCalls(cursor, [deepSeek.begin, deepSeek.call], function* () {
    const start = cursor.place;
    yield* cursor.blanks();
    yield* cursor.takes(deepSeek.call);
    let name = yield* cursor.while(/[^<\s]/);
    if (!(yield* cursor.takes(deepSeek.separator))) return false;
    const isOld = name === "function" && (yield* cursor.peek()) !== "{";
    if (isOld) name = yield* cursor.while(/[^\n{]/);
    yield* cursor.blanks();
    yield* cursor.takes("```json");
    yield* cursor.blanks();
    if (!tools.some((tool) => tool.name === name.trim()) || (yield* cursor.peek()) !== "{") {
      cursor.place = start;
      return false;
    }
    cursor.call(name.trim());
    yield* jsonValue(cursor, (text) => cursor.arguments(text));
    yield* ends(cursor, "```");
    yield* ends(cursor, deepSeek.callEnd);
    yield* ends(cursor, deepSeek.end);
    return true;
  });
}

/** Llama 3: the whole answer is {"name": …, "parameters": …}, or several of these with semicolons. */
export function* llamaCalls(cursor: TextCursor, tools: readonly CallableTool[]): Reading<void> {
  const start = cursor.place;
  yield* cursor.blanks();
  yield* cursor.takes("<|python_tag|>");
  yield* cursor.blanks();
  if (!(yield* jsonCall(cursor, tools))) cursor.place = start;
  else {
    for (;;) {
      const behind = cursor.place;
      yield* ends(cursor, ";");
      yield* cursor.blanks();
      if (yield* jsonCall(cursor, tools)) continue;
      cursor.place = behind;
      break;
    }
  }
  yield* onlyText(cursor);
}

/** Blanks and a mark, if it is there. */
export function* ends(cursor: TextCursor, mark: string): Reading<void> {
  const start = cursor.place;
  yield* cursor.blanks();
  if (!(yield* cursor.takes(mark))) cursor.place = start;
}
