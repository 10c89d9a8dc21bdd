import { randomUUID } from "node:crypto";
import { type Block, CountTokensRequest, MessagesRequest } from "../protocol/anthropic.ts";
import type { ChatRequest } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import { type AnswerDelta, type AnswerEnd, answer, answerRequest } from "./answer.ts";
import { grammarFor } from "./answer-grammar.ts";
import { type ChatPrompt, chatPrompt, thoughtsOf } from "./chat-prompt.ts";
import type { ServerContext } from "./context.ts";
import { httpError } from "./http-error.ts";
import type { Served } from "./served-models.ts";
import { dataEvent, eventStream } from "./server-sent-events.ts";
import { addCalls, toolUseOf, type WholeCall } from "./tool-use.ts";

/** POST /v1/messages */
export async function messages(context: ServerContext, body: unknown, signal: AbortSignal): Promise<Response> {
  const request = MessagesRequest.parse(body);
  const { served, prompt } = await promptOf(context, request);
  const toolUse = toolUseOf(served.model.tokenizer, openAiTools(request));
  const grammar = grammarFor(toolUse?.grammar, prompt);
  const { max_tokens, temperature, top_p, top_k, stop_sequences: stop } = request;
  const fields = { max_tokens, temperature, top_p, top_k, stop };
  const base = answerRequest(served, prompt.ids, fields, context.defaults);
  const thoughts = thoughtsOf(served.model.tokenizer, prompt);
  const abort = new AbortController();
  signal.addEventListener("abort", () => abort.abort(), { once: true });
  const pieces = answer(context.engine, { ...base, thoughts, toolUse, grammar }, abort.signal);
  const message = {
    id: `msg_${randomUUID().replaceAll("-", "")}`,
    type: "message",
    role: "assistant",
    model: request.model,
  };
  if (request.stream) return eventStream(events(pieces, message, prompt.ids.length), abort);
  return Response.json(await whole(pieces, message));
}

/** POST /v1/messages/count_tokens */
export async function countTokens(context: ServerContext, body: unknown): Promise<Response> {
  const { prompt } = await promptOf(context, CountTokensRequest.parse(body));
  return Response.json({ input_tokens: prompt.ids.length });
}

async function promptOf(
  context: ServerContext,
  request: CountTokensRequest,
): Promise<{ served: Served; prompt: ChatPrompt }> {
  const served = await context.models.resolve(request.model);
  const enable_thinking = request.thinking ? request.thinking.type !== "disabled" : undefined;
  const prompt = await chatPrompt(
    served.model.tokenizer,
    {
      messages: openAiMessages(request),
      tools: request.tool_choice?.type === "none" ? undefined : openAiTools(request).tools,
      ...(enable_thinking !== undefined && { enable_thinking }),
    },
    context.defaults.templateVariables,
  );
  return { served, prompt };
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

async function whole(pieces: Pieces, message: object): Promise<object> {
  const found: { text: string; thinking: string; calls: WholeCall[] } = { text: "", thinking: "", calls: [] };
  let step = await pieces.next();
  for (; !step.done; step = await pieces.next()) {
    found.text += step.value.text;
    found.thinking += step.value.thinking;
    addCalls(found.calls, step.value.calls);
  }
  const thoughts = found.thinking === "" ? [] : [{ type: "thinking", thinking: found.thinking, signature: "" }];
  const texts = found.text === "" && found.calls.length > 0 ? [] : [{ type: "text", text: found.text }];
  const calls = found.calls.map(({ id, name, arguments: text }) => ({
    type: "tool_use",
    id,
    name,
    input: inputOf(text),
  }));
  return { ...message, content: [...thoughts, ...texts, ...calls], ...ending(step.value) };
}

/** Arguments that max_tokens cut stay text. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
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
  try {
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
  } catch (error) {
    yield dataEvent({ type: "error", ...httpError(error).body }, "error");
  }
}
