import { describe, expect, test } from "vitest";
import type { AnswerDelta } from "./answer.ts";
import { emptyDelta } from "./answer.ts";
import { ResponseOutput } from "./response-output.ts";

const delta = (changes: Partial<AnswerDelta>): AnswerDelta => ({ ...emptyDelta(), ...changes });

/** Thoughts, text and two calls, each in pieces. */
const pieces = [
  delta({ thinking: "Let me " }),
  delta({ thinking: "see.", text: "So" }),
  delta({ text: ":", calls: [{ index: 0, id: "call_a", name: "f", arguments: "" }] }),
  delta({ calls: [{ index: 0, arguments: '{"a":' }] }),
  delta({
    calls: [
      { index: 0, arguments: " 1}" },
      { index: 1, id: "call_b", name: "g", arguments: "" },
      { index: 1, arguments: "{}" },
    ],
  }),
];

describe("a response's output", () => {
  test("has an item for each kind of piece, in their order", () => {
    const output = new ResponseOutput(() => []);
    for (const piece of pieces) output.add(piece);
    output.finish("completed");
    const status = "completed";
    expect(output.items).toEqual([
      {
        type: "reasoning",
        id: id("rs"),
        status,
        summary: [],
        content: [{ type: "reasoning_text", text: "Let me see." }],
      },
      { type: "message", id: id("msg"), status, role: "assistant", content: [text("So:")] },
      { type: "function_call", id: id("fc"), status, call_id: "call_a", name: "f", arguments: '{"a": 1}' },
      { type: "function_call", id: id("fc"), status, call_id: "call_b", name: "g", arguments: "{}" },
    ]);
    expect(new Set(output.items.map((item) => item.id)).size).toBe(4);
  });

  test("is told step by step, and each step says which item it is about", () => {
    const output = new ResponseOutput(() => []);
    const events = [...pieces.flatMap((piece) => output.add(piece)), ...output.finish("incomplete")];
    expect(events.map(({ type, output_index }) => `${output_index} ${type.replace("response.", "")}`)).toEqual([
      "0 output_item.added",
      "0 content_part.added",
      "0 reasoning_text.delta",
      "0 reasoning_text.delta",
      "0 reasoning_text.done",
      "0 content_part.done",
      "0 output_item.done",
      "1 output_item.added",
      "1 content_part.added",
      "1 output_text.delta",
      "1 output_text.delta",
      "1 output_text.done",
      "1 content_part.done",
      "1 output_item.done",
      "2 output_item.added",
      "2 function_call_arguments.delta",
      "2 function_call_arguments.delta",
      "2 function_call_arguments.done",
      "2 output_item.done",
      "3 output_item.added",
      "3 function_call_arguments.delta",
      "3 function_call_arguments.done",
      "3 output_item.done",
    ]);
    for (const { output_index, item_id, item } of events) {
      expect(item_id ?? idOf(item)).toBe(output.items[Number(output_index)]?.id);
    }
    expect(output.items.map(({ status }) => status)).toEqual(["completed", "completed", "completed", "incomplete"]);
    expect(events[0]?.item).toMatchObject({ status: "in_progress", content: [] });
  });

  test("of nothing is an empty message", () => {
    const output = new ResponseOutput(() => []);
    expect(output.finish("completed")).toHaveLength(5);
    expect(output.items).toMatchObject([{ type: "message", content: [text("")] }]);
  });

  test("keeps what is told of the tokens of its text", () => {
    const output = new ResponseOutput((piece) => piece.tokens.map(({ logprob }) => ({ logprob })));
    const token = { text: "a", bytes: [97], logprob: -1, top: [] };
    output.add(delta({ text: "a", tokens: [token] }));
    output.add(delta({ text: "a", tokens: [{ ...token, logprob: -2 }] }));
    const [done] = output.finish("completed");
    expect(done).toMatchObject({ type: "response.output_text.done", logprobs: [{ logprob: -1 }, { logprob: -2 }] });
    expect(output.items).toMatchObject([{ content: [{ logprobs: [{ logprob: -1 }, { logprob: -2 }] }] }]);
  });
});

function id(prefix: string): unknown {
  return expect.stringMatching(new RegExp(`^${prefix}_\\w{32}$`));
}

function text(value: string): object {
  return { type: "output_text", text: value, annotations: [], logprobs: [] };
}

function idOf(item: unknown): unknown {
  return typeof item === "object" && item !== null && "id" in item ? item.id : undefined;
}
