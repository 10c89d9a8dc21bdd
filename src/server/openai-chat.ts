import { randomUUID } from "node:crypto";
import { thoughtsOf } from "../generate/thinking.ts";
import { ChatRequest } from "../protocol/openai.ts";
import {
  type AnswerDelta,
  type AnswerEnd,
  type AnswerRequest,
  type AnswerToken,
  answer,
  answerRequest,
  emptyDelta,
} from "./answer.ts";
import { formatGrammar, grammarFor } from "./answer-grammar.ts";
import { chatPrompt } from "./chat-prompt.ts";
import type { ServerContext } from "./context.ts";
import { httpError } from "./http-error.ts";
import { merge } from "./merge.ts";
import { dataEvent, doneEvent, eventStream } from "./server-sent-events.ts";
import { addCalls, type CallDelta, toolUseOf, type WholeCall } from "./tool-use.ts";
import { usageOf } from "./usage.ts";

/** POST /v1/chat/completions */
export async function chatCompletions(context: ServerContext, body: unknown, signal: AbortSignal): Promise<Response> {
  const request = ChatRequest.parse(body);
  const served = await context.models.resolve(request.model, request.adapters);
  const { tokenizer } = served.model;
  const toolUse = toolUseOf(tokenizer, request);
  const tools = request.tool_choice === "none" ? undefined : request.tools;
  const prompt = await chatPrompt(tokenizer, { ...request, tools }, context.defaults.templateVariables);
  const base = answerRequest(served, prompt.ids, request, context.defaults);
  const grammar = grammarFor(toolUse?.grammar ?? formatGrammar(request.response_format), prompt);
  const topLogprobs = request.logprobs ? (request.top_logprobs ?? 0) : 0;
  const answers = Array.from(
    { length: request.n ?? 1 },
    (_, i): AnswerRequest => ({
      ...base,
      seed: base.seed + i,
      sampling: { ...base.sampling, topLogprobs },
      grammar,
      toolUse,
      thoughts: thoughtsOf(tokenizer, prompt),
    }),
  );
  const abort = new AbortController();
  signal.addEventListener("abort", () => abort.abort(), { once: true });
  const pieces = merge(answers.map((each) => answer(context.engine, each, abort.signal)));
  const head = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: request.model ?? served.name,
    system_fingerprint: null,
  };
  const options = {
    withLogprobs: request.logprobs ?? false,
    withUsage: request.stream_options?.include_usage ?? false,
  };
  if (request.stream) return eventStream(chunks(pieces, head, answers.length, options), abort);
  return Response.json(await whole(pieces, head, answers.length, options));
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

async function whole(pieces: Pieces, head: Head, count: number, { withLogprobs }: Options): Promise<unknown> {
  const choices = Array.from(
    { length: count },
    (): Omit<AnswerDelta, "calls"> & { calls: WholeCall[]; finishReason: string } => {
      return { ...emptyDelta(), calls: [], finishReason: "stop" };
    },
  );
  const ends: AnswerEnd[] = [];
  for await (const piece of pieces) {
    const choice = choices[piece.index];
    if (!choice) continue;
    if ("end" in piece) {
      ends.push(piece.end);
      choice.finishReason = piece.end.finishReason;
      continue;
    }
    choice.text += piece.value.text;
    choice.thinking += piece.value.thinking;
    addCalls(choice.calls, piece.value.calls);
    choice.tokens.push(...piece.value.tokens);
  }
  return {
    ...head,
    object: "chat.completion",
    choices: choices.map(({ text, thinking, calls, tokens, finishReason }, index) => ({
      index,
      finish_reason: finishReason,
      message: {
        role: "assistant",
        content: text === "" && calls.length > 0 ? null : text,
        refusal: null,
        ...reasoning(thinking),
        ...(calls.length > 0 && { tool_calls: calls.map(openAiCall) }),
      },
      logprobs: withLogprobs ? { content: tokens.map(openAiLogprob), refusal: null } : null,
    })),
    usage: usageOf(ends),
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
  try {
    for await (const piece of pieces) {
      if ("end" in piece) {
        ends.push(piece.end);
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
  } catch (error) {
    yield dataEvent(httpError(error).body);
  }
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

function openAiLogprob({ text, bytes, logprob, top }: AnswerToken): object {
  return {
    token: text,
    logprob,
    bytes,
    top_logprobs: top.map((each) => ({ token: each.text, logprob: each.logprob, bytes: each.bytes })),
  };
}
