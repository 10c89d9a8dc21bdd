import { randomUUID } from "node:crypto";
import type { Block, CountTokensRequest, MessagesRequest } from "../protocol/anthropic.ts";
import type { ChatRequest } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import { type AnswerDelta, type AnswerEnd, answer } from "./answer.ts";
import { chatAnswer, conversationPrompt } from "./chat-answer.ts";
import type { ServerContext } from "./context.ts";
import { dataEvent, eventStream } from "./server-sent-events.ts";
import { argumentsOf } from "./tool-use.ts";
import { type WholeAnswer, wholeAnswer } from "./whole-answer.ts";

/** POST /v1/messages */
export async function messages(
  context: ServerContext,
  request: MessagesRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { max_tokens, temperature, top_p, top_k, stop_sequences: stop } = request;
  const schema = request.output_config?.format?.schema;
  const response_format = schema && { type: "json_schema" as const, json_schema: { schema } };
  const fields = { max_tokens, temperature, top_p, top_k, stop, response_format };
  const asked = await chatAnswer(context, { ...conversationOf(request), ...fields });
  const message = {
    id: `msg_${randomUUID().replaceAll("-", "")}`,
    type: "message",
    role: "assistant",
    model: request.model,
  };
  const { engine } = context;
  if (!request.stream) return Response.json(whole(await wholeAnswer(engine, asked, signal), message));
  return eventStream(context, {
    signal,
    values: (ends) => events(answer(engine, asked, ends), message, asked.prompt.length),
    failure: (body) => dataEvent({ type: "error", ...body }, "error"),
  });
}

/** POST /v1/messages/count_tokens */
export async function countTokens(context: ServerContext, request: CountTokensRequest): Promise<Response> {
  const { prompt } = await conversationPrompt(context, conversationOf(request));
  return Response.json({ input_tokens: prompt.ids.length });
}

/** The request as chat completions have it. */
function conversationOf(request: CountTokensRequest): ChatRequest {
  const { model, thinking } = request;
  return {
    model,
    messages: openAiMessages(request),
    ...openAiTools(request),
    enable_thinking: thinking ? thinking.type !== "disabled" : undefined,
  };
}

function openAiTools({
  tools,
  tool_choice,
}: CountTokensRequest): Pick<ChatRequest, "tools" | "tool_choice" | "parallel_tool_calls"> {
  const { type = "auto", name = "", disable_parallel_tool_use } = tool_choice ?? {};
  return {
    tools: tools?.map((tool) => ({
      type: "function",
      function: { name: tool.name, description: tool.description, parameters: tool.input_schema },
    })),
    tool_choice: type === "tool" ? { type: "function", function: { name } } : type === "any" ? "required" : type,
    parallel_tool_calls: disable_parallel_tool_use ? false : undefined,
  };
}

type Messages = ChatRequest["messages"];

function openAiMessages({ system, messages }: CountTokensRequest): Messages {
  const instructions = typeof system === "string" ? system : system?.map(({ text }) => text).join("\n");
  return [
    ...(instructions ? [{ role: "system" as const, content: instructions }] : []),
    ...withInstructionsJoined(
      messages.flatMap(({ role, content }) =>
        typeof content === "string" ? [{ role, content }] : fromBlocks(role, content),
      ),
    ),
  ];
}

/** Many templates take instructions at the beginning only, so those between messages become part of the user's before them. */
function withInstructionsJoined(messages: Messages): Messages {
  const joined: Messages = [];
  for (const message of messages) {
    const before = joined.at(-1);
    if (message.role !== "system") joined.push(message);
    else if (before?.role !== "user") joined.push({ ...message, role: "user" });
    else joined.splice(-1, 1, { ...before, content: `${before.content}\n\n${message.content}` });
  }
  return joined;
}

/** A message of blocks: results of tools are messages of their own. */
function fromBlocks(role: "user" | "assistant" | "system", blocks: readonly Block[]): Messages {
  const results: Messages = [];
  const texts: string[] = [];
  const thoughts: string[] = [];
  const calls: ReturnType<typeof callOf>[] = [];
  for (const block of blocks) {
    if ("text" in block && typeof block.text === "string") texts.push(block.text);
    else if ("thinking" in block && typeof block.thinking === "string") thoughts.push(block.thinking);
    else if (block.type === "tool_use") calls.push(callOf(block));
    else if (block.type === "tool_result") results.push(resultOf(block));
    else throw new UserError("server/no-images", { type: block.type });
  }
  const isEmpty = texts.length + thoughts.length + calls.length === 0;
  if (isEmpty) return results;
  const message = {
    role,
    content: texts.join("\n"),
    ...(thoughts.length > 0 && { reasoning_content: thoughts.join("\n") }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return [...results, message];
}

function callOf({ id, name, input }: Block) {
  return { id, type: "function", function: { name: String(name), arguments: input } };
}

function resultOf({ tool_use_id, content }: Block): Messages[number] {
  const parts = Array.isArray(content) ? content : [{ type: "text", text: content ?? "" }];
  return { role: "tool", tool_call_id: tool_use_id, content: parts };
}

type Pieces = AsyncGenerator<AnswerDelta, AnswerEnd>;

function whole({ text, thinking, calls, end }: WholeAnswer, message: object): object {
  const thoughts = thinking === "" ? [] : [{ type: "thinking", thinking, signature: "" }];
  const texts = text === "" && calls.length > 0 ? [] : [{ type: "text", text }];
  const uses = calls.map((call) => ({ type: "tool_use", id: call.id, name: call.name, input: argumentsOf(call) }));
  return { ...message, content: [...thoughts, ...texts, ...uses], ...ending(end) };
}

const stopReasons = { length: "max_tokens", tool_calls: "tool_use", stop: "end_turn" };

function ending(end: AnswerEnd) {
  return {
    stop_reason: end.stopString === undefined ? stopReasons[end.finishReason] : "stop_sequence",
    stop_sequence: end.stopString ?? null,
    usage: {
      input_tokens: end.promptTokens - end.cachedTokens,
      cache_read_input_tokens: end.cachedTokens,
      cache_creation_input_tokens: 0,
      output_tokens: end.completionTokens,
    },
  };
}

type BlockStart =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "tool_use"; id: string; name: string; input: object };

const textBlock: BlockStart = { type: "text", text: "" };
const thinkingBlock: BlockStart = { type: "thinking", thinking: "", signature: "" };

/** Blocks of content, one after the other: thoughts, then the answer. */
async function* events(pieces: Pieces, message: object, promptTokens: number): AsyncGenerator<string> {
  const event = (type: string, value: object): string => dataEvent({ type, ...value }, type);
  const usage = { input_tokens: promptTokens, output_tokens: 0 };
  yield event("message_start", { message: { ...message, content: [], stop_reason: null, stop_sequence: null, usage } });
  let index = -1;
  let open: BlockStart["type"] | undefined;
  const enter = (content_block: BlockStart): string => {
    const closing = open ? event("content_block_stop", { index }) : "";
    open = content_block.type;
    index++;
    return closing + event("content_block_start", { index, content_block });
  };
  let step = await pieces.next();
  for (; !step.done; step = await pieces.next()) {
    const { text, thinking, calls } = step.value;
    if (thinking !== "") {
      if (open !== "thinking") yield enter(thinkingBlock);
      yield event("content_block_delta", { index, delta: { type: "thinking_delta", thinking } });
    }
    if (text !== "") {
      if (open !== "text") yield enter(textBlock);
      yield event("content_block_delta", { index, delta: { type: "text_delta", text } });
    }
    for (const { id, name = "", arguments: partial_json } of calls) {
      if (id !== undefined) yield enter({ type: "tool_use", id, name, input: {} });
      else yield event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json } });
    }
  }
  if (!open) yield enter(textBlock);
  yield event("content_block_stop", { index });
  const { usage: counts, ...delta } = ending(step.value);
  yield event("message_delta", { delta, usage: counts });
  yield event("message_stop", {});
}
