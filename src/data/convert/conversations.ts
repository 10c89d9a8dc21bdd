import { z } from "zod";
import { say } from "../../protocol/language.ts";
import type { ChatMessage } from "../../tokenizer/messages.ts";
import { isObject } from "../row.ts";

/** A converted row, or why it cannot be one, in words. */
export type Converted = { messages: ChatMessage[]; tools?: unknown[] } | string;

/** ShareGPT's and its descendants' words for the roles. */
const roles: Record<string, string> = {
  system: "system",
  human: "user",
  user: "user",
  gpt: "assistant",
  assistant: "assistant",
  bot: "assistant",
  model: "assistant",
  chatgpt: "assistant",
  function_call: "call",
  tool_call: "call",
  observation: "tool",
  function_response: "tool",
  tool_response: "tool",
  tool: "tool",
};

const Turn = z.union([
  z.looseObject({ from: z.string(), value: z.string() }),
  z
    .looseObject({ role: z.string(), content: z.string() })
    .transform(({ role, content }) => ({ from: role, value: content })),
]);
const Call = z.looseObject({ name: z.string(), arguments: z.unknown().optional() });

/** A ShareGPT row: `conversations` of `from` and `value`, with `system` and `tools` beside it. */
export function convertShareGpt(row: Record<string, unknown>): Converted {
  const turns = z.array(Turn).min(1).safeParse(row.conversations);
  if (!turns.success) return say("data/left-out-bad-turns", { column: "conversations" });
  const messages = systemOf(row);
  let calls = 0;
  for (const { from, value } of turns.data) {
    const role = roles[from.toLowerCase()];
    if (role === undefined) return say("data/left-out-role", { role: from, known: Object.keys(roles) });
    if (role !== "call") {
      messages.push(role === "tool" ? { role, content: value, ...resultOf(messages) } : { role, content: value });
      continue;
    }
    const message = toolCallMessage(value, calls);
    if (message === undefined) return say("data/left-out-call", {});
    calls += message.tool_calls?.length ?? 0;
    messages.push(message);
  }
  const tools = toolsOf(row.tools);
  if (tools === undefined) return say("data/left-out-tools", {});
  return tools.length > 0 ? { messages, tools } : { messages };
}

/** A row of `conversation`, a list of `human` and `assistant` pairs. */
export function convertHumanAssistant(row: Record<string, unknown>): Converted {
  const Pair = z.looseObject({ system: z.string().nullish(), human: z.string(), assistant: z.string() });
  const pairs = z.array(Pair).min(1).safeParse(row.conversation);
  if (!pairs.success) return say("data/left-out-bad-turns", { column: "conversation" });
  const messages = systemOf({ system: row.system ?? pairs.data[0]?.system });
  for (const { human, assistant } of pairs.data) {
    messages.push({ role: "user", content: human }, { role: "assistant", content: assistant });
  }
  return { messages };
}

/** The `system` column as a first message; none where it is empty. */
export function systemOf(row: Record<string, unknown>): ChatMessage[] {
  return typeof row.system === "string" && row.system.trim() !== "" ? [{ role: "system", content: row.system }] : [];
}

/** Function descriptions, in the form that chat templates take; undefined where the column is no list. */
function toolsOf(column: unknown): unknown[] | undefined {
  if (column === undefined || column === null || column === "") return [];
  const list = typeof column === "string" ? parseJson(column) : column;
  if (!Array.isArray(list)) return undefined;
  return list.map((tool: unknown) =>
    isObject(tool) && !("function" in tool) ? { type: "function", function: tool } : tool,
  );
}

/** The calls as OpenAI writes them. Mistral's templates require ids of nine letters or digits. */
function toolCallMessage(text: string, before: number): ChatMessage | undefined {
  const value = parseJson(text);
  const calls = z
    .array(Call)
    .min(1)
    .safeParse(Array.isArray(value) ? value : [value]);
  if (!calls.success) return undefined;
  const tool_calls = calls.data.map(({ name, arguments: values }, index) => ({
    id: `call${String(before + index).padStart(5, "0")}`,
    type: "function",
    function: { name, arguments: values ?? {} },
  }));
  return { role: "assistant", content: "", tool_calls };
}

/** The name and id of the call that a result answers: the first call without a result. */
function resultOf(messages: readonly ChatMessage[]): { name?: string; tool_call_id?: string } {
  const at = messages.findLastIndex((message) => message.tool_calls);
  const call = messages[at]?.tool_calls?.[messages.length - 1 - at];
  return call?.function && typeof call.id === "string" ? { name: call.function.name, tool_call_id: call.id } : {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
