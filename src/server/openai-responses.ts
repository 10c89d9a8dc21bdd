import { randomUUID } from "node:crypto";
import type { ChatRequest } from "../protocol/openai.ts";
import type { ConversationItem, ResponsesRequest } from "../protocol/openai-responses.ts";
import { UserError } from "../protocol/user-error.ts";
import { type AnswerDelta, type AnswerEnd, type AnswerRequest, answer } from "./answer.ts";
import { chatAnswer } from "./chat-answer.ts";
import type { ServerContext } from "./context.ts";
import { openAiLogprob } from "./openai-logprob.ts";
import { conversationItems, messagesOf } from "./response-input.ts";
import { type ResponseEvent, ResponseOutput } from "./response-output.ts";
import { dataEvent, eventStream } from "./server-sent-events.ts";

/** POST /v1/responses */
export async function createResponse(
  context: ServerContext,
  request: ResponsesRequest,
  signal: AbortSignal,
): Promise<Response> {
  const items = conversationItems(request, context.responses);
  const withLogprobs = request.include?.includes("message.output_text.logprobs") ?? false;
  const base = await chatAnswer(context, chatRequest(request, items));
  const topLogprobs = withLogprobs ? (request.top_logprobs ?? 0) : 0;
  const asked = { ...base, sampling: { ...base.sampling, topLogprobs } };
  const head = headOf(request, asked);
  const steps = (ends: AbortSignal) => {
    const output = new ResponseOutput(({ tokens }) => (withLogprobs ? tokens.map(openAiLogprob) : []));
    return lifecycle(answer(context.engine, asked, ends), output, head, (response) => {
      if (head.store) context.responses.add(response, [...items, ...response.output]);
    });
  };
  if (!request.stream) {
    let response: ResponseObject = head;
    for await (const step of steps(signal)) response = step.response ?? response;
    return Response.json(response);
  }
  let number = 0;
  const event = ({ type, ...fields }: Step): string => dataEvent({ type, sequence_number: number++, ...fields }, type);
  return eventStream(context, {
    signal,
    async *values(ends) {
      for await (const step of steps(ends)) yield event(step);
    },
    failure({ error: { message } }) {
      const failure = { status: "failed", error: { code: "server_error", message } };
      return event({ type: "response.failed", response: { ...head, ...failure } });
    },
  });
}

/** GET /v1/responses/ID */
export function showResponse({ responses }: ServerContext, id: string, stream: string): Response {
  if (stream === "true")
    throw new UserError("server/unsupported", { value: "stream=true", possible: ["stream=false"] });
  return Response.json(responses.get(id).response);
}

/** DELETE /v1/responses/ID */
export function deleteResponse({ responses }: ServerContext, id: string): Response {
  responses.remove(id);
  return Response.json({ id, object: "response", deleted: true });
}

/** The request as chat completions have it. @throws UserError when nobody said anything. */
function chatRequest(request: ResponsesRequest, items: readonly ConversationItem[]): ChatRequest {
  const { instructions, tools, tool_choice, text, reasoning, max_output_tokens, ...fields } = request;
  if (items.length === 0) throw new UserError("server/empty-prompt", {});
  const format = text?.format;
  return {
    ...fields,
    messages: [...(instructions ? [{ role: "system" as const, content: instructions }] : []), ...messagesOf(items)],
    max_tokens: max_output_tokens,
    tools: tools?.map(({ type, name, description, parameters }) => ({
      type,
      function: { name, description, parameters },
    })),
    tool_choice:
      typeof tool_choice === "object" && tool_choice !== null
        ? { type: "function", function: { name: tool_choice.name } }
        : tool_choice,
    response_format: format?.type === "json_schema" ? { type: format.type, json_schema: format } : format,
    reasoning_effort: reasoning?.effort,
  };
}

type ResponseObject = ReturnType<typeof headOf>;

/** A response that has just begun: what was asked for, and with which defaults. */
function headOf(request: ResponsesRequest, { served, sampling }: AnswerRequest) {
  const none: { error: object | null; incomplete_details: object | null; usage: object | null } = {
    error: null,
    incomplete_details: null,
    usage: null,
  };
  const output: ResponseOutput["items"] = [];
  return {
    id: `resp_${randomUUID().replaceAll("-", "")}`,
    object: "response",
    created_at: Math.floor(Date.now() / 1000),
    status: "in_progress",
    background: false,
    ...none,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    model: request.model ?? served.name,
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    store: request.store ?? true,
    temperature: sampling.temperature,
    text: { format: request.text?.format ?? { type: "text" } },
    tool_choice: request.tool_choice ?? "auto",
    tools: request.tools ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: sampling.topP,
    truncation: "disabled",
    metadata: request.metadata ?? {},
  };
}

/** An event about an item, or about the response. */
type Step = ResponseEvent | { type: string; response: ResponseObject };

async function* lifecycle(
  pieces: AsyncGenerator<AnswerDelta, AnswerEnd>,
  output: ResponseOutput,
  head: ResponseObject,
  keep: (response: ResponseObject) => void,
): AsyncGenerator<Step> {
  yield { type: "response.created", response: head };
  yield { type: "response.in_progress", response: head };
  let piece = await pieces.next();
  for (; !piece.done; piece = await pieces.next()) yield* output.add(piece.value);
  const isCut = piece.value.finishReason === "length";
  const status = isCut ? "incomplete" : "completed";
  yield* output.finish(status);
  const response = {
    ...head,
    status,
    output: output.items,
    usage: usageOf(piece.value),
    ...(isCut && { incomplete_details: { reason: "max_output_tokens" } }),
  };
  keep(response);
  yield { type: `response.${status}`, response };
}

function usageOf({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: AnswerEnd): object {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + completionTokens,
  };
}
