import { describe, expect, test } from "vitest";
import { ResponsesRequest } from "../protocol/openai-responses.ts";
import { conversationItems, messagesOf } from "./response-input.ts";
import { StoredResponses } from "./stored-responses.ts";

const itemsOf = (input: unknown, previous?: string, stored = new StoredResponses()) =>
  conversationItems(ResponsesRequest.parse({ input, previous_response_id: previous }), stored);

const call = (call_id: string, name: string) => ({ type: "function_call" as const, call_id, name, arguments: "{}" });
const toolCall = (id: string, name: string) => ({ id, type: "function", function: { name, arguments: "{}" } });

describe("items of a conversation", () => {
  test("are messages, where thoughts, text and calls are one turn", () => {
    const items = itemsOf([
      { role: "user", content: [{ type: "input_text", text: "time?" }] },
      { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] },
      { type: "message", role: "assistant", id: "msg_1", content: [{ type: "output_text", text: "I ask." }] },
      call("a", "now"),
      call("b", "zone"),
      { type: "function_call_output", call_id: "a", output: "12:00" },
      { type: "function_call_output", call_id: "b", output: [{ type: "input_text", text: "UTC" }] },
      { role: "assistant", content: "Noon." },
      { role: "user", content: "and then?" },
      call("c", "now"),
    ]);
    expect(messagesOf(items)).toEqual([
      { role: "user", content: [{ type: "input_text", text: "time?" }] },
      {
        role: "assistant",
        content: [{ type: "output_text", text: "I ask." }],
        reasoning_content: "Hm.",
        tool_calls: [toolCall("a", "now"), toolCall("b", "zone")],
      },
      { role: "tool", tool_call_id: "a", content: "12:00" },
      { role: "tool", tool_call_id: "b", content: [{ type: "input_text", text: "UTC" }] },
      { role: "assistant", content: "Noon." },
      { role: "user", content: "and then?" },
      { role: "assistant", content: "", tool_calls: [toolCall("c", "now")] },
    ]);
  });

  test("of a text are one message, behind those of the response that it goes on from", () => {
    const stored = new StoredResponses();
    stored.add({ id: "resp_1" }, [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ]);
    expect(itemsOf("c", "resp_1", stored)).toEqual([
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
      { role: "user", content: "c" },
    ]);
    expect(() => itemsOf("c", "resp_2", stored)).toThrow(/no response or item resp_2/);
  });

  test("may be named when an earlier response had them", () => {
    const stored = new StoredResponses();
    const item = { ...call("a", "now"), id: "fc_1" };
    stored.add({ id: "resp_1" }, [item]);
    expect(itemsOf([{ type: "item_reference", id: "fc_1" }], undefined, stored)).toEqual([item]);
    expect(() => itemsOf([{ type: "item_reference", id: "fc_2" }], undefined, stored)).toThrow(/fc_2/);
  });
});

describe("stored responses", () => {
  test("are forgotten when they are removed, and the oldest when there are too many", () => {
    const stored = new StoredResponses(400);
    for (const id of ["a", "b", "c"]) stored.add({ id }, [{ role: "user", content: "x".repeat(60) }]);
    expect(() => stored.get("a")).toThrow(/no response or item a/);
    expect(stored.get("c").response).toEqual({ id: "c" });
    stored.remove("c");
    expect(() => stored.get("c")).toThrow(/no response or item c/);
    expect(() => stored.remove("c")).toThrow(/no response or item c/);
  });

  test("larger than the store are not kept", () => {
    const stored = new StoredResponses(100);
    stored.add({ id: "a" }, [{ role: "user", content: "x".repeat(200) }]);
    expect(() => stored.get("a")).toThrow();
  });
});
