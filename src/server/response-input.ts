import type { ChatRequest } from "../protocol/openai.ts";
import type { ConversationItem, ResponsesRequest } from "../protocol/openai-responses.ts";
import type { StoredResponses } from "./stored-responses.ts";

type Message = ChatRequest["messages"][number];
type Turn = Message & { tool_calls?: { function: { name: string; arguments: string } }[] };

/** The conversation that a request ends, with what earlier responses had. @throws UserError when these were not kept. */
export function conversationItems(request: ResponsesRequest, stored: StoredResponses): ConversationItem[] {
  const { input, previous_response_id: previous } = request;
  const earlier = previous ? stored.get(previous).items : [];
  if (typeof input === "string") return [...earlier, { role: "user", content: input }];
  return [...earlier, ...input.map((item) => (item.type === "item_reference" ? stored.item(item.id) : item))];
}

/** Items as messages of chat completions: thoughts, text and calls that follow each other are one turn of the assistant. */
export function messagesOf(items: readonly ConversationItem[]): Message[] {
  const messages: Message[] = [];
  let turn: Turn | undefined;
  const begin = (begun: Turn): Turn => {
    messages.push(begun);
    return begun;
  };
  for (const item of items) {
    switch (item.type) {
      case "reasoning":
        turn = begin({ role: "assistant", content: "", reasoning_content: thoughtsOf(item) });
        break;
      case "function_call": {
        const { call_id: id, name, arguments: text } = item;
        turn ??= begin({ role: "assistant", content: "" });
        turn.tool_calls = [...(turn.tool_calls ?? []), { id, type: "function", function: { name, arguments: text } }];
        break;
      }
      case "function_call_output":
        messages.push({ role: "tool", tool_call_id: item.call_id, content: item.output });
        turn = undefined;
        break;
      default: {
        const { role, content } = item;
        if (role === "assistant" && turn?.content === "" && !turn.tool_calls) turn.content = content;
        else turn = begin({ role, content });
        if (role !== "assistant") turn = undefined;
      }
    }
  }
  return messages;
}

function thoughtsOf({ content, summary }: Extract<ConversationItem, { type: "reasoning" }>): string {
  const parts = content && content.length > 0 ? content : (summary ?? []);
  return parts.map(({ text }) => text).join("\n");
}
