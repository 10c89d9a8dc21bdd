import { z } from "zod";

const ContentPart = z.looseObject({ type: z.string() });

const ToolCall = z.looseObject({
  function: z.looseObject({ name: z.string(), arguments: z.unknown() }).optional(),
});

/** One turn of a conversation, as the chat completions API and mlx-lm's data files write it. */
export const ChatMessage = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(ContentPart), z.null()]).optional(),
  tool_calls: z.array(ToolCall).nullish(),
});
export type ChatMessage = z.infer<typeof ChatMessage>;

/** The names that reasoning goes by in messages; templates read the first, gpt-oss the second. */
const reasoningFields = ["reasoning_content", "thinking", "reasoning"] as const;

/** The message with its reasoning, if it has any, under the names that templates read (as `transformers` does it). */
export function withReasoning(message: ChatMessage): ChatMessage {
  const reasoning = reasoningFields
    .map((field) => message[field])
    .find((value) => value !== undefined && value !== null);
  return reasoning === undefined ? message : { thinking: reasoning, ...message, reasoning_content: reasoning };
}

/** The messages with tool-call arguments that are JSON text turned into values, which is what templates print. */
export function withParsedArguments(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.map((message) =>
    message.tool_calls
      ? { ...message, tool_calls: message.tool_calls.map((call) => (call.function ? parseArguments(call) : call)) }
      : message,
  );
}

function parseArguments(call: z.infer<typeof ToolCall>): z.infer<typeof ToolCall> {
  const text = call.function?.arguments;
  if (!call.function || typeof text !== "string") return call;
  try {
    const value: unknown = JSON.parse(text);
    // A quoted string or a number is not a set of arguments: the template gets the text as it stands.
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { ...call, function: { ...call.function, arguments: value } } : call;
  } catch {
    return call;
  }
}
