import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { addCalls, CallSplitter, toolUseOf, type WholeCall } from "./tool-use.ts";

const tool = (name: string) => ({ type: "function" as const, function: { name, parameters: { type: "object" } } });
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(join(import.meta.dirname, "../../assets/cygnet-tiny"));
});

const answer =
  'So:\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>\n<tool_call>\n{"name": "g", "arguments": {}}\n</tool_call>';

describe("an answer that may call tools", () => {
  test.each([
    [undefined, ["f", "g"]],
    [false, ["f"]],
  ])("has its calls, with parallel_tool_calls %s", (parallel_tool_calls, names) => {
    const use = toolUseOf(tokenizer, { tools: [tool("f"), tool("g")], parallel_tool_calls });
    if (!use) throw new Error("there are tools");
    const splitter = new CallSplitter(use);
    const found = [...[...answer].map((letter) => splitter.add(letter, false)), splitter.add("", true)];
    const calls: WholeCall[] = [];
    addCalls(
      calls,
      found.flatMap((each) => each.calls),
    );
    expect(found.map(({ text }) => text).join("")).toBe("So:");
    expect(calls.map(({ name }) => name)).toEqual(names);
    expect(calls[0]).toEqual({ id: expect.stringMatching(/^call_\w{32}$/), name: "f", arguments: '{"a": 1}' });
    const first = found.flatMap((each) => each.calls).slice(0, 2);
    expect(first).toMatchObject([
      { index: 0, name: "f", arguments: "" },
      { index: 0, arguments: "{" },
    ]);
  });

  test("is read only when there are tools that may be called", () => {
    expect(toolUseOf(tokenizer, {})).toBeUndefined();
    expect(toolUseOf(tokenizer, { tools: [tool("f")], tool_choice: "none" })).toBeUndefined();
    expect(toolUseOf(tokenizer, { tools: [tool("f")] })?.grammar).toBeUndefined();
    expect(toolUseOf(tokenizer, { tools: [tool("f")], tool_choice: "required" })?.grammar).toContain("root ::=");
  });
});
