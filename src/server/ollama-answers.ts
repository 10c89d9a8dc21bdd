import { OllamaChatRequest, OllamaGenerateRequest, type Options } from "../protocol/ollama.ts";
import type { AnswerFields } from "../protocol/openai.ts";
import { type AnswerDelta, type AnswerEnd, type AnswerRequest, answer, answerRequest } from "./answer.ts";
import { chatPrompt } from "./chat-prompt.ts";
import type { ServerContext } from "./context.ts";
import { httpError } from "./http-error.ts";
import type { Served } from "./served-models.ts";
import { lineStream } from "./server-sent-events.ts";
import { wholeAnswer } from "./whole-answer.ts";

/** POST /api/generate */
export async function ollamaGenerate(context: ServerContext, body: unknown, signal: AbortSignal): Promise<Response> {
  const request = OllamaGenerateRequest.parse(body);
  const served = await context.models.resolve(request.model);
  if (request.prompt === "") return Response.json(loaded(request.model, { response: "" }));
  const system = request.system ? [{ role: "system" as const, content: request.system }] : [];
  const messages = [...system, { role: "user" as const, content: request.prompt }];
  const prompt = request.raw
    ? { ids: await served.model.tokenizer.encode(request.prompt), inThoughts: false }
    : await promptOf(context, served, messages, request.think);
  return respond(context, { ...request, served, ...prompt }, signal, (text, thinking) => ({
    response: text,
    ...(thinking !== "" && { thinking }),
  }));
}

/** POST /api/chat */
export async function ollamaChat(context: ServerContext, body: unknown, signal: AbortSignal): Promise<Response> {
  const request = OllamaChatRequest.parse(body);
  const served = await context.models.resolve(request.model);
  const message = (text: string, thinking: string) => ({
    message: { role: "assistant", content: text, ...(thinking !== "" && { thinking }) },
  });
  if (request.messages.length === 0) return Response.json(loaded(request.model, message("", "")));
  const prompt = await promptOf(context, served, request.messages, request.think);
  return respond(context, { ...request, served, ...prompt }, signal, message);
}

type Think = OllamaChatRequest["think"];

function promptOf(
  { defaults }: ServerContext,
  { model }: Served,
  messages: OllamaChatRequest["messages"],
  think: Think,
) {
  const thinking = think === undefined || think === null ? {} : { enable_thinking: think !== false };
  return chatPrompt(model.tokenizer, { messages, ...thinking }, defaults.templateVariables);
}

/** What Ollama answers when it is only asked to load a model. */
function loaded(model: string, empty: object): object {
  return { model, created_at: new Date().toISOString(), ...empty, done: true, done_reason: "load" };
}

interface Asked {
  model: string;
  served: Served;
  ids: number[];
  inThoughts: boolean;
  stream?: boolean | null | undefined;
  think?: Think;
  options?: Options | null | undefined;
}

async function respond(
  context: ServerContext,
  { model, served, ids, inThoughts, stream, think, options }: Asked,
  signal: AbortSignal,
  shape: (text: string, thinking: string) => object,
): Promise<Response> {
  const start = process.hrtime.bigint();
  const request: AnswerRequest = {
    ...answerRequest(served, ids, fieldsOf(options ?? {}, served), context.defaults),
    thoughts: served.model.tokenizer.hasThinking && think !== false ? { inside: inThoughts } : undefined,
  };
  const { engine } = context;
  const line = (value: object): object => ({ model, created_at: new Date().toISOString(), ...value });
  if (stream ?? true) return lineStream(signal, (ends) => lines(answer(engine, request, ends), line, shape, start));
  const { text, thinking, end } = await wholeAnswer(engine, request, signal);
  return Response.json(line({ ...shape(text, thinking), ...ending(end, start, start) }));
}

async function* lines(
  pieces: AsyncGenerator<AnswerDelta, AnswerEnd>,
  line: (value: object) => object,
  shape: (text: string, thinking: string) => object,
  start: bigint,
): AsyncGenerator<object> {
  let first = 0n;
  try {
    let step = await pieces.next();
    for (; !step.done; step = await pieces.next()) {
      if (first === 0n) first = process.hrtime.bigint();
      const { text, thinking } = step.value;
      if (text !== "" || thinking !== "") yield line({ ...shape(text, thinking), done: false });
    }
    yield line({ ...shape("", ""), ...ending(step.value, start, first || start) });
  } catch (error) {
    yield { error: httpError(error).body.error.message };
  }
}

/** Times in nanoseconds. */
function ending(end: AnswerEnd, start: bigint, first: bigint): object {
  const now = process.hrtime.bigint();
  return {
    done: true,
    done_reason: end.finishReason,
    total_duration: Number(now - start),
    load_duration: 0,
    prompt_eval_count: end.promptTokens,
    prompt_eval_duration: Number(first - start),
    eval_count: end.completionTokens,
    eval_duration: Number(now - first),
  };
}

function fieldsOf(options: Options, { model }: Served): AnswerFields {
  const { num_predict, repeat_penalty, repeat_last_n, presence_penalty, frequency_penalty, ...rest } = options;
  const { temperature, top_p, top_k, min_p, seed, stop } = rest;
  const unlimited = num_predict !== undefined && num_predict !== null && num_predict < 0;
  return {
    ...{ temperature, top_p, top_k, min_p, seed, stop, presence_penalty, frequency_penalty },
    repetition_penalty: repeat_penalty,
    repetition_context_size: repeat_last_n,
    max_tokens: unlimited ? model.contextLength : num_predict,
  };
}
