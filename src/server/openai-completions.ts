import { randomUUID } from "node:crypto";
import type { TokenScore } from "../engine/messages.ts";
import { CompletionRequest } from "../protocol/openai.ts";
import {
  type AnswerDelta,
  type AnswerEnd,
  type AnswerRequest,
  type AnswerToken,
  answer,
  answerRequest,
} from "./answer.ts";
import { formatGrammar } from "./answer-grammar.ts";
import type { ServerContext } from "./context.ts";
import { encodedPrompts } from "./encoded-prompts.ts";
import { httpError } from "./http-error.ts";
import { merge } from "./merge.ts";
import type { Served } from "./served-models.ts";
import { dataEvent, doneEvent, eventStream } from "./server-sent-events.ts";
import { usageOf } from "./usage.ts";

/** POST /v1/completions */
export async function completions(context: ServerContext, body: unknown, signal: AbortSignal): Promise<Response> {
  const request = CompletionRequest.parse(body);
  const served = await context.models.resolve(request.model, request.adapters);
  const prompts = await encodedPrompts(request.prompt, served.model.tokenizer);
  const text = formatGrammar(request.response_format);
  const grammar = text === undefined ? undefined : { text };
  const topLogprobs = countOf(request.logprobs);
  const answers = prompts.flatMap((ids) => {
    const base = answerRequest(served, ids, request, context.defaults);
    return Array.from(
      { length: request.n ?? 1 },
      (_, i): AnswerRequest => ({
        ...base,
        grammar,
        seed: base.seed + i,
        sampling: { ...base.sampling, topLogprobs: topLogprobs ?? 0 },
      }),
    );
  });
  const head = {
    id: `cmpl-${randomUUID()}`,
    object: "text_completion",
    created: Math.floor(Date.now() / 1000),
    model: request.model ?? served.name,
    system_fingerprint: null,
  };
  const abort = new AbortController();
  signal.addEventListener("abort", () => abort.abort(), { once: true });
  const echoes = request.echo
    ? await Promise.all(answers.map(({ prompt }) => echoOf(context, served, prompt, topLogprobs)))
    : answers.map(() => undefined);
  const pieces = merge(answers.map((each) => answer(context.engine, each, abort.signal)));
  const choices = echoes.map((echo) => new Choice(echo, topLogprobs !== undefined));
  const withUsage = request.stream_options?.include_usage ?? false;
  if (request.stream) return eventStream(chunks(pieces, head, choices, withUsage), abort);
  return Response.json(await whole(pieces, head, choices));
}

type Pieces = ReturnType<typeof merge<AnswerDelta, AnswerEnd>>;

/** A prompt that is sent back, with how likely each of its tokens was. */
interface Echo {
  text: string;
  tokens: (Omit<AnswerToken, "logprob"> & { logprob: number | null })[];
}

/** What OpenAI's older form of logprobs counts: one answer's text so far. */
class Choice {
  readonly #echo: Echo | undefined;
  readonly #withLogprobs: boolean;
  #offset = 0;

  constructor(echo: Echo | undefined, withLogprobs: boolean) {
    this.#echo = echo;
    this.#withLogprobs = withLogprobs;
  }

  /** The prompt as the first piece. */
  first(): { text: string; logprobs: unknown } | undefined {
    return this.#echo && this.piece(this.#echo.text, this.#echo.tokens);
  }

  piece(text: string, tokens: Echo["tokens"]): { text: string; logprobs: unknown } {
    if (!this.#withLogprobs) return { text, logprobs: null };
    const offsets = tokens.map((token) => {
      const at = this.#offset;
      this.#offset += token.text.length;
      return at;
    });
    return {
      text,
      logprobs: {
        tokens: tokens.map((token) => token.text),
        token_logprobs: tokens.map(({ logprob }) => logprob),
        top_logprobs: tokens.map(({ top, logprob }) =>
          logprob === null ? null : Object.fromEntries(top.map((each) => [each.text, each.logprob])),
        ),
        text_offset: offsets,
      },
    };
  }
}

async function whole(pieces: Pieces, head: object, choices: readonly Choice[]): Promise<unknown> {
  const found = choices.map((): Pick<AnswerDelta, "text" | "tokens"> & { finishReason: string } => {
    return { text: "", tokens: [], finishReason: "stop" };
  });
  const ends: AnswerEnd[] = [];
  for await (const piece of pieces) {
    const own = found[piece.index];
    if (!own) continue;
    if ("end" in piece) {
      ends.push(piece.end);
      own.finishReason = piece.end.finishReason;
    } else {
      own.text += piece.value.text;
      own.tokens.push(...piece.value.tokens);
    }
  }
  return {
    ...head,
    choices: choices.map((choice, index) => {
      const { text = "", tokens = [], finishReason = "stop" } = found[index] ?? {};
      return { index, ...joined(choice.first(), choice.piece(text, tokens)), finish_reason: finishReason };
    }),
    usage: usageOf(ends),
  };
}

async function* chunks(
  pieces: Pieces,
  head: object,
  choices: readonly Choice[],
  withUsage: boolean,
): AsyncGenerator<string> {
  const ends: AnswerEnd[] = [];
  const chunk = (index: number, piece: object, finish: string | null): string =>
    dataEvent({ ...head, choices: [{ index, ...piece, finish_reason: finish }], ...(withUsage && { usage: null }) });
  try {
    for (const [index, choice] of choices.entries()) {
      const first = choice.first();
      if (first) yield chunk(index, first, null);
    }
    for await (const piece of pieces) {
      const { index } = piece;
      if ("end" in piece) {
        ends.push(piece.end);
        yield chunk(index, { text: "", logprobs: null }, piece.end.finishReason);
      } else {
        yield chunk(index, choices[index]?.piece(piece.value.text, piece.value.tokens) ?? {}, null);
      }
    }
    if (withUsage) yield dataEvent({ ...head, choices: [], usage: usageOf(ends) });
    yield doneEvent;
  } catch (error) {
    yield dataEvent(httpError(error).body);
  }
}

type Piece = ReturnType<Choice["piece"]>;

function joined(first: Piece | undefined, rest: Piece): Piece {
  if (!first) return rest;
  const [a, b] = [first.logprobs, rest.logprobs];
  return { text: first.text + rest.text, logprobs: isLists(a) && isLists(b) ? appended(a, b) : null };
}

function isLists(value: unknown): value is Record<string, unknown[]> {
  return typeof value === "object" && value !== null;
}

function appended(a: Record<string, unknown[]>, b: Record<string, unknown[]>): Record<string, unknown[]> {
  return Object.fromEntries(Object.entries(a).map(([name, list]) => [name, [...list, ...(b[name] ?? [])]]));
}

async function echoOf(
  { engine }: ServerContext,
  { model, adapter }: Served,
  prompt: readonly number[],
  topLogprobs: number | undefined,
): Promise<Echo> {
  const { tokenizer } = model;
  const text = tokenizer.decode(prompt);
  if (topLogprobs === undefined) return { text, tokens: [] };
  const scores: (TokenScore | undefined)[] = [
    undefined,
    ...(await engine.score(model.name, adapter, prompt, topLogprobs)),
  ];
  const one = (id: number) => ({ text: tokenizer.tokenText(id), bytes: [...tokenizer.tokenBytes(id)] });
  const tokens = prompt.map((id, i) => {
    const { logprob = null, top = [] } = scores[i] ?? {};
    return { ...one(id), logprob, top: top.map((each) => ({ ...one(each.id), logprob: each.logprob })) };
  });
  return { text, tokens };
}

function countOf(logprobs: CompletionRequest["logprobs"]): number | undefined {
  if (typeof logprobs === "number") return logprobs;
  return logprobs ? 0 : undefined;
}
