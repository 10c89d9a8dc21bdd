import { describe, expect, test } from "vitest";
import { ToolCallReader } from "./tool-call-reader.ts";
import type { ToolFormat } from "./tool-format.ts";

const tools = [
  {
    name: "weather",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        days: { type: "integer" },
        deep: { type: "object" },
        on: { type: "boolean" },
      },
    },
  },
  { name: "now", parameters: { type: "object", properties: {} } },
];

interface Found {
  text: string;
  calls: { name: string; json: string }[];
}

function read(format: ToolFormat, pieces: readonly string[]): Found {
  const reader = new ToolCallReader(format, tools);
  const found: Found = { text: "", calls: [] };
  for (const piece of [...pieces.flatMap((each) => reader.add(each)), ...reader.finish()]) {
    if (piece.kind === "text") found.text += piece.text;
    else if (piece.kind === "call") found.calls.push({ name: piece.name, json: "" });
    else {
      const call = found.calls[piece.index];
      if (!call) throw new Error("arguments before their call");
      call.json += piece.text;
    }
  }
  return found;
}

const paris = { name: "weather", arguments: { city: 'Pa"ris\n}</tool_call>', days: 2, deep: { a: [1, null] } } };
const json = JSON.stringify(paris.arguments);
const call = (given: unknown, name = "arguments") => `{"name": "weather", "${name}": ${JSON.stringify(given)}}`;
const now = { name: "now", json: "{}" };
const simple = { city: "北京", days: 3, on: true };

/** Format, answer, its text, its calls. */
const cases: [string, ToolFormat, string, string, { name: string; json: string }[]][] = [
  [
    "one",
    "hermes",
    `Let me see.\n<tool_call>\n${call(paris.arguments)}\n</tool_call>`,
    "Let me see.",
    [{ name: "weather", json }],
  ],
  [
    "two, and text behind",
    "hermes",
    `<tool_call>{"name": "now", "arguments": {}}</tool_call>\n<tool_call>\n${call({})}\n</tool_call>\nDone.`,
    "Done.",
    [now, { name: "weather", json: "{}" }],
  ],
  [
    "arguments first",
    "hermes",
    `<tool_call>{"arguments": ${json}, "name": "weather"}</tool_call>`,
    "",
    [{ name: "weather", json }],
  ],
  [
    "arguments as a string",
    "hermes",
    `<tool_call>{"name": "weather", "arguments": ${JSON.stringify(json)}}</tool_call>`,
    "",
    [{ name: "weather", json }],
  ],
  ["without arguments", "hermes", '<tool_call>{"name": "now"}</tool_call>', "", [now]],
  ["with an id behind", "hermes", '<tool_call>{"name": "now", "arguments": {}, "id": "x"}</tool_call> ok', "ok", [now]],
  ["a brace too few", "hermes", '<tool_call>\n{"name": "now", "arguments": {}\n</tool_call>', "", [now]],
  [
    "an unknown tool",
    "hermes",
    'a <tool_call>{"name": "x", "arguments": {}}</tool_call>',
    'a <tool_call>{"name": "x", "arguments": {}}</tool_call>',
    [],
  ],
  ["no JSON", "hermes", "<tool_call>\nnothing </tool_call> <tool_", "<tool_call>\nnothing </tool_call> <tool_", []],
  [
    "cut amid arguments",
    "hermes",
    '<tool_call>{"name": "weather", "arguments": {"city": "Pa',
    "",
    [{ name: "weather", json: '{"city": "Pa' }],
  ],
  ["cut amid the name", "hermes", '<tool_call>{"name": "wea', '<tool_call>{"name": "wea', []],
  ["plain text with blanks", "hermes", " 1 < 2 \n\n", " 1 < 2 \n\n", []],
  [
    "a mark, then a call",
    "hermes",
    '<tool_call><tool_call>{"name": "now", "arguments": {}}</tool_call>',
    "<tool_call>",
    [now],
  ],
  [
    "one",
    "qwen coder",
    'Hm\n<tool_call>\n<function=weather>\n<parameter=city>\n北\n"京"\n</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=deep>\n{"a": [1]}\n</parameter>\n<parameter=on>True</parameter>\n</function>\n</tool_call>',
    "Hm",
    [{ name: "weather", json: '{"city": "北\\n\\"京\\"", "days": 3, "deep": {"a": [1]}, "on": true}' }],
  ],
  [
    "two, one without its outer mark",
    "qwen coder",
    "<function=now>\n</function>\n</tool_call>\n<tool_call><function=now></function></tool_call>",
    "",
    [now, now],
  ],
  [
    "a number that is none",
    "qwen coder",
    "<tool_call><function=weather><parameter=days>few</parameter></function></tool_call>",
    "",
    [{ name: "weather", json: '{"days": "few"}' }],
  ],
  [
    "cut",
    "qwen coder",
    "<tool_call><function=weather><parameter=city>Pa",
    "",
    [{ name: "weather", json: '{"city": "Pa' }],
  ],
  ["an unknown tool", "qwen coder", "<tool_call><function=x></function>", "<tool_call><function=x></function>", []],
  ["one", "llama", call(simple, "parameters"), "", [{ name: "weather", json: JSON.stringify(simple) }]],
  [
    "two behind the tag",
    "llama",
    `<|python_tag|>${call(simple, "parameters")}; {"type": "function", "name": "now", "parameters": {}}`,
    "",
    [{ name: "weather", json: JSON.stringify(simple) }, now],
  ],
  ["other JSON", "llama", '{"answer": 42}', '{"answer": 42}', []],
  ["text before", "llama", `So: ${call(simple, "parameters")}`, `So: ${call(simple, "parameters")}`, []],
  ["code behind the tag", "llama", "<|python_tag|>print(1)", "<|python_tag|>print(1)", []],
  [
    "an array",
    "mistral array",
    `[TOOL_CALLS][${call(simple)}, {"name": "now", "arguments": {}}]`,
    "",
    [{ name: "weather", json: JSON.stringify(simple) }, now],
  ],
  [
    "an array of blanks",
    "mistral array",
    `[TOOL_CALLS] [ ${call(simple)} ] end`,
    "end",
    [{ name: "weather", json: JSON.stringify(simple) }],
  ],
  [
    "names and arguments",
    "mistral",
    `ok [TOOL_CALLS]weather[ARGS]${json}[TOOL_CALLS]now[CALL_ID]a1[ARGS]{}`,
    "ok",
    [{ name: "weather", json }, now],
  ],
  ["an unknown tool", "mistral", "[TOOL_CALLS]x[ARGS]{}", "[TOOL_CALLS]x[ARGS]{}", []],
  [
    "two",
    "deepseek",
    `A<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>${json}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    "A",
    [{ name: "weather", json }, now],
  ],
  [
    "blocks of code",
    "deepseek code",
    `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n\`\`\`json\n${json}\n\`\`\`<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n\`\`\`json\n{}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    "",
    [{ name: "weather", json }, now],
  ],
  [
    "an unknown tool",
    "deepseek",
    "<｜tool▁call▁begin｜>x<｜tool▁sep｜>{}",
    "<｜tool▁call▁begin｜>x<｜tool▁sep｜>{}",
    [],
  ],
  [
    "two",
    "pythonic",
    `[weather(city='Par"is\\'s', days=-2, deep={'a': [1, None], "b": (True, 2.5e3)}), now()]`,
    "",
    [
      { name: "weather", json: '{"city": "Par\\"is\'s", "days": -2, "deep": {"a": [1, null], "b": [true, 2.5e3]}}' },
      now,
    ],
  ],
  ["a list", "pythonic", "[1, 2]", "[1, 2]", []],
  ["cut", "pythonic", "[weather(city='Pa", "", [{ name: "weather", json: '{"city": "Pa' }]],
];

describe.each(cases)("%s, %s", (_, format, answer, text, calls) => {
  test("at once", () => {
    expect(read(format, [answer])).toEqual({ text, calls });
  });

  test("cut anywhere", () => {
    for (let at = 0; at <= answer.length; at++) {
      expect(read(format, [answer.slice(0, at), answer.slice(at)])).toEqual({ text, calls });
    }
    for (const size of [1, 2, 3, 7]) {
      const pieces = Array.from({ length: Math.ceil(answer.length / size) }, (_, i) =>
        answer.slice(i * size, (i + 1) * size),
      );
      expect(read(format, pieces)).toEqual({ text, calls });
    }
  });
});

test("arguments come as they are written", () => {
  const reader = new ToolCallReader("hermes", tools);
  expect(reader.add('Hi <tool_call>{"name": "weather", "arguments": {"ci')).toEqual([
    { kind: "text", text: "Hi" },
    { kind: "call", index: 0, name: "weather" },
    { kind: "arguments", index: 0, text: '{"ci' },
  ]);
  expect(reader.add('ty": "P')).toEqual([{ kind: "arguments", index: 0, text: 'ty": "P' }]);
});
