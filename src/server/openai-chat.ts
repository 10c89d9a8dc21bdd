import { randomUUID } from "node:crypto";
import type { ChatRequest } from "../protocol/openai.ts";
import { type AnswerDelta, type AnswerEnd, answer } from "./answer.ts";
import { chatAnswer } from "./chat-answer.ts";
import type { ServerContext } from "./context.ts";
import { merge } from "./merge.ts";
import { openAiLogprob } from "./openai-logprob.ts";
import { dataEvent, doneEvent, eventStream } from "./server-sent-events.ts";
import type { CallDelta, WholeCall } from "./tool-use.ts";
import { usageOf } from "./usage.ts";
import { type WholeAnswer, wholeAnswers } from "./whole-answer.ts";

/** POST /v1/chat/completions */
export async function chatCompletions(
  context: ServerContext,
  request: ChatRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { engine } = context;
  const base = await chatAnswer(context, request);
  const topLogprobs = request.logprobs ? (request.top_logprobs ?? 0) : 0;
  const sampling = { ...base.sampling, topLogprobs };
  const asked = Array.from({ length: request.n ?? 1 }, (_, i) => ({ ...base, seed: base.seed + i, sampling }));
  const head = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: request.model ?? base.served.name,
    system_fingerprint: null,
  };
  const options = {
    withLogprobs: request.logprobs ?? false,
    withUsage: request.stream_options?.include_usage ?? false,
  };
  if (!request.stream) return Response.json(completion(await wholeAnswers(engine, asked, signal), head, options));
  return eventStream(context, {
    signal,
    values: (ends) => chunks(merge(asked.map((each) => answer(engine, each, ends))), head, asked.length, options),
    failure: (body) => dataEvent(body),
  });
}

type Pieces = ReturnType<typeof merge<AnswerDelta, AnswerEnd>>;

interface Head {
  id: string;
  created: number;
  model: string;
}

interface Options {
  withLogprobs: boolean;
  withUsage: boolean;
}

function completion(answers: readonly WholeAnswer[], head: Head, { withLogprobs }: Options): object {
  return {
    ...head,
    object: "chat.completion",
    choices: answers.map(({ text, thinking, calls, tokens, end }, index) => ({
      index,
      finish_reason: end.finishReason,
      message: {
        role: "assistant",
        content: text === "" && calls.length > 0 ? null : text,
        refusal: null,
        ...reasoning(thinking),
        ...(calls.length > 0 && { tool_calls: calls.map(openAiCall) }),
      },
      logprobs: withLogprobs ? { content: tokens.map(openAiLogprob), refusal: null } : null,
    })),
    usage: usageOf(answers.map(({ end }) => end)),
  };
}

async function* chunks(pieces: Pieces, head: Head, count: number, options: Options): AsyncGenerator<string> {
  const ends: AnswerEnd[] = [];
  const chunk = (index: number, delta: unknown, finish: string | null, logprobs: unknown = null): string =>
    dataEvent({
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index, delta, finish_reason: finish, logprobs }],
      ...(options.withUsage && { usage: null }),
    });
  for (let index = 0; index < count; index++) yield chunk(index, { role: "assistant", content: "" }, null);
  for await (const piece of pieces) {
    if ("end" in piece) {
      ends[piece.index] = piece.end;
      yield chunk(piece.index, {}, piece.end.finishReason);
      continue;
    }
    const { text, thinking, calls, tokens } = piece.value;
    const logprobs = options.withLogprobs ? { content: tokens.map(openAiLogprob), refusal: null } : null;
    const delta = {
      ...reasoning(thinking),
      ...((text !== "" || (thinking === "" && calls.length === 0)) && { content: text }),
      ...(calls.length > 0 && { tool_calls: calls.map(openAiCallDelta) }),
    };
    yield chunk(piece.index, delta, null, logprobs);
  }
  if (options.withUsage)
    yield dataEvent({ ...head, object: "chat.completion.chunk", choices: [], usage: usageOf(ends) });
  yield doneEvent;
}

function openAiCall({ id, name, arguments: text }: WholeCall): object {
  return { id, type: "function", function: { name, arguments: text } };
}

function openAiCallDelta({ index, id, name, arguments: text }: CallDelta): object {
  return {
    index,
    ...(id !== undefined && { id, type: "function" }),
    function: { ...(name !== undefined && { name }), arguments: text },
  };
}

/** Thoughts under both names that clients read. */
function reasoning(thinking: string): object {
  return thinking === "" ? {} : { reasoning_content: thinking, reasoning: thinking };
}
