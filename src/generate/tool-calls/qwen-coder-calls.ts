import { z } from "zod";
import type { CallableTool } from "./json-call.ts";
import { ends, textAndCalls } from "./marked-calls.ts";
import type { Reading, TextCursor } from "./text-cursor.ts";

const opening = ["<tool_call>", "<function="];

/** Qwen3-Coder: <tool_call><function=NAME><parameter=KEY>VALUE</parameter>…</function></tool_call>, values typed by the schema. */
export function* qwenCoderCalls(cursor: TextCursor, tools: readonly CallableTool[]): Reading<void> {
  yield* textAndCalls(cursor, opening, function* () {
    yield* cursor.blanks();
    yield* cursor.takes("<function=");
    const name = yield* cursor.while(/[^>\s<]/);
    const tool = tools.find((each) => each.name === name);
    if (!tool || !(yield* cursor.takes(">"))) return false;
    cursor.call(name);
    cursor.arguments("{");
    let isFirst = true;
    for (;;) {
      const start = cursor.place;
      yield* cursor.blanks();
      if (!(yield* cursor.takes("<parameter="))) {
        cursor.place = start;
        break;
      }
      const key = yield* cursor.while(/[^>\n]/);
      yield* cursor.takes(">");
      cursor.arguments(`${isFirst ? "" : ", "}${JSON.stringify(key)}: `);
      isFirst = false;
      if (!(yield* parameter(cursor, typeOf(tool, key)))) return true; // cut: the arguments are left open
    }
    if ((yield* cursor.peek()) === undefined) return true;
    cursor.arguments("}");
    yield* ends(cursor, "</function>");
    yield* ends(cursor, "</tool_call>");
    return true;
  });
}

const valueEnds = ["\n</parameter>", "</parameter>"];

/** A text as it comes, another value when it is whole. */
function* parameter(cursor: TextCursor, type: "text" | "value"): Reading<boolean> {
  yield* cursor.takes("\n");
  if (type === "text") cursor.arguments('"');
  let raw = "";
  while ((yield* cursor.takesOneOf(valueEnds)) === undefined) {
    const character = yield* cursor.next();
    if (character === undefined) return false;
    if (type === "text") cursor.arguments(JSON.stringify(character).slice(1, -1));
    raw += character;
  }
  cursor.arguments(type === "text" ? '"' : json(raw));
  return true;
}

/** A value as JSON; what is none is a text. */
function json(raw: string): string {
  const python: { [literal: string]: string } = { True: "true", False: "false", None: "null" };
  const text = python[raw.trim()] ?? raw.trim();
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(raw);
  }
}

const Parameters = z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() });
const Typed = z.looseObject({ type: z.unknown().optional(), enum: z.array(z.unknown()).optional() });

function typeOf({ parameters }: CallableTool, key: string): "text" | "value" {
  const schema = Typed.safeParse(Parameters.safeParse(parameters).data?.properties?.[key]).data;
  if (schema?.enum) return schema.enum.every((value) => typeof value === "string") ? "text" : "value";
  return schema === undefined || schema.type === "string" ? "text" : "value";
}
