import type { Format, OllamaChatRequest, OllamaGenerateRequest, Options } from "../protocol/ollama.ts";
import type { AnswerFields, ChatRequest, ResponseFormat } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import { type AnswerRequest, answer, answerRequest } from "./answer.ts";
import { formatGrammar, grammarFor } from "./answer-grammar.ts";
import { chatAnswer } from "./chat-answer.ts";
import type { ServerContext } from "./context.ts";
import { lineOf, messageOf, nothing, type OllamaPiece, ollamaEnding, ollamaLines } from "./ollama-lines.ts";
import { lineStream } from "./server-sent-events.ts";
import { knowsTools } from "./tool-use.ts";
import { wholeAnswer } from "./whole-answer.ts";

/** POST /api/generate */
export async function ollamaGenerate(
  context: ServerContext,
  request: OllamaGenerateRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { prompt, system, raw } = request;
  if (prompt === "") return loaded(context, request.model, { response: "" });
  const messages = [
    ...(system ? [{ role: "system" as const, content: system }] : []),
    { role: "user" as const, content: prompt },
  ];
  const asked = raw ? await rawAnswer(context, request) : await chatAnswer(context, chatRequest(request, messages));
  return respond(context, request, asked, signal, ({ text, thinking }) => ({
    response: text,
    ...(thinking !== "" && { thinking }),
  }));
}

/** POST /api/chat */
export async function ollamaChat(
  context: ServerContext,
  request: OllamaChatRequest,
  signal: AbortSignal,
): Promise<Response> {
  if (request.messages.length === 0) return loaded(context, request.model, messageOf(nothing));
  const messages = request.messages.map(({ tool_name: name, ...message }) => ({ ...message, ...(name && { name }) }));
  const asked = await chatAnswer(context, { ...chatRequest(request, messages), tools: request.tools });
  const { tokenizer, name: model } = asked.served.model;
  if (asked.toolUse && !knowsTools(tokenizer)) throw new UserError("server/model-without-tools", { model });
  return respond(context, request, asked, signal, messageOf);
}

type Shared = Pick<OllamaChatRequest, "model" | "stream" | "options" | "think" | "format">;

/** The request as chat completions have it. */
function chatRequest({ model, options, think, format }: Shared, messages: ChatRequest["messages"]): ChatRequest {
  return {
    ...fieldsOf(options ?? {}),
    model,
    messages,
    response_format: responseFormat(format),
    ...(typeof think === "boolean" ? { enable_thinking: think } : { reasoning_effort: think }),
  };
}

/** The prompt goes to the model as it is. */
async function rawAnswer(context: ServerContext, request: OllamaGenerateRequest): Promise<AnswerRequest> {
  const served = await context.models.resolve(request.model);
  const ids = await served.model.tokenizer.encode(request.prompt);
  const grammar = formatGrammar(responseFormat(request.format));
  return {
    ...answerRequest(served, ids, fieldsOf(request.options ?? {}), context.defaults),
    grammar: grammarFor(grammar, { inThoughts: false, mayThink: false }),
  };
}

function responseFormat(format: Format): ResponseFormat | undefined {
  if (!format) return undefined;
  return format === "json" ? { type: "json_object" } : { type: "json_schema", json_schema: { schema: format } };
}

/** What Ollama answers when it is only asked to load a model. */
async function loaded({ models }: ServerContext, model: string, empty: object): Promise<Response> {
  await models.resolve(model);
  return Response.json({ model, created_at: new Date().toISOString(), ...empty, done: true, done_reason: "load" });
}

async function respond(
  context: ServerContext,
  { model, stream }: Shared,
  asked: AnswerRequest,
  signal: AbortSignal,
  shape: (piece: OllamaPiece) => object,
): Promise<Response> {
  const { engine } = context;
  const head = { model, start: process.hrtime.bigint() };
  if (stream ?? true) {
    return lineStream(context, {
      signal,
      values: (ends) => ollamaLines(answer(engine, asked, ends), head, shape),
      failure: ({ error }) => ({ error: error.message }),
    });
  }
  const whole = await wholeAnswer(engine, asked, signal);
  return Response.json(lineOf(head, { ...shape(whole), ...ollamaEnding(whole.end, head) }));
}

function fieldsOf(options: Options): AnswerFields {
  const { num_predict, repeat_penalty, repeat_last_n, presence_penalty, frequency_penalty, ...rest } = options;
  const { temperature, top_p, top_k, min_p, seed, stop } = rest;
  const unlimited = num_predict !== undefined && num_predict !== null && num_predict < 0;
  return {
    ...{ temperature, top_p, top_k, min_p, seed, stop, presence_penalty, frequency_penalty },
    repetition_penalty: repeat_last_n === 0 ? undefined : repeat_penalty,
    repetition_context_size: repeat_last_n === -1 ? Number.MAX_SAFE_INTEGER : repeat_last_n || undefined,
    // what the context leaves, as long as it may be
    max_tokens: unlimited ? Number.MAX_SAFE_INTEGER : num_predict,
  };
}
