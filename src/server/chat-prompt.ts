import type { ChatRequest } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { ChatMessage } from "../tokenizer/messages.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

export interface ChatPrompt {
  ids: number[];
  /** It ends where the model is to think. */
  inThoughts: boolean;
  /** The answer may begin with thoughts. */
  mayThink: boolean;
}

type Conversation = Pick<
  ChatRequest,
  | "messages"
  | "tools"
  | "enable_thinking"
  | "reasoning_effort"
  | "chat_template_kwargs"
  | "role_mapping"
  | "continue_final_message"
>;

/** What stands before each role's text where a model has no template. */
const plainRoles: Record<string, string> = { system: "", user: "USER: ", assistant: "ASSISTANT: ", stop: "\n" };

/** A conversation as the tokens that the model is given. @throws UserError where a message is not text, or the template refuses. */
export async function chatPrompt(
  tokenizer: Tokenizer,
  request: Conversation,
  variables: Record<string, unknown>,
): Promise<ChatPrompt> {
  const messages = request.messages.map(textOnly);
  if (!tokenizer.hasChatTemplate) {
    const ids = await tokenizer.encode(plainConversation(messages, request.role_mapping ?? plainRoles));
    return { ids, inThoughts: false, mayThink: tokenizer.hasThinking };
  }
  const effort = request.reasoning_effort;
  const { enable_thinking, ...templateVariables } = {
    ...variables,
    ...(effort && { reasoning_effort: effort, enable_thinking: effort !== "none" }),
    ...request.chat_template_kwargs,
  };
  const enableThinking = request.enable_thinking ?? enable_thinking;
  const continued = request.continue_final_message ?? false;
  const text = tokenizer.render(messages, {
    addGenerationPrompt: !continued,
    continueFinalMessage: continued,
    ...(request.tools && request.tools.length > 0 && { tools: request.tools }),
    ...(typeof enableThinking === "boolean" && { enableThinking }),
    templateVariables,
  });
  const ids = await tokenizer.encode(text, { addSpecialTokens: false });
  const isOver = enableThinking === false || text.trimEnd().endsWith("</think>");
  return {
    ids,
    inThoughts: text.trimEnd().endsWith("<think>"),
    mayThink: tokenizer.hasThinking && !continued && !isOver,
  };
}

/** Parts of text joined; the newer role of instructions by the name that templates know. */
function textOnly(message: ChatRequest["messages"][number]): ChatMessage {
  const role = message.role === "developer" ? "system" : message.role;
  const { content } = message;
  if (!Array.isArray(content)) return { ...message, role };
  const parts = content.map((part) => {
    if (typeof part.text === "string") return part.text;
    throw new UserError("server/no-images", { type: part.type });
  });
  return { ...message, role, content: parts.join("") };
}

function plainConversation(messages: readonly ChatMessage[], mapping: Record<string, string>): string {
  const lines = messages.map(
    ({ role, content }) => `${mapping[role] ?? ""}${String(content ?? "")}${mapping.stop ?? ""}`,
  );
  return `${lines.join("")}${mapping.assistant ?? ""}`.trimEnd();
}
