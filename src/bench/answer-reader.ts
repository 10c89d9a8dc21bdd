import { z } from "zod";
import { EventStreamParser } from "./event-stream-parser.ts";

const maxErrorCharacters = 300;

const Text = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
});

/** A chunk of a streamed answer, or a whole one: of chat the text is in `delta` or `message`, of completions in `text`. */
const Answer = z.object({
  choices: z
    .array(
      z.object({
        text: z.string().nullish(),
        delta: Text.nullish(),
        message: Text.nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int().default(0) }).nullish(),
  error: z.unknown().optional(),
});
type Answer = z.infer<typeof Answer>;

/** Reads an answer of the OpenAI API as its bytes arrive, streamed or whole. */
export class AnswerReader {
  /** When each chunk with text came. As in vLLM and evalscope, chunks that only name the role or end the answer are none. */
  readonly chunkMs: number[] = [];
  usage: { prompt_tokens: number; completion_tokens: number } | undefined;
  /** The time of the last chunk of any kind. */
  lastMs: number | undefined;
  /** The server said that the answer is whole. */
  finished = false;
  /** The server's words for what went wrong, or ours for an answer that cannot be read. */
  problem: { kind: "stream" | "answer"; message: string } | undefined;

  readonly #parser: EventStreamParser | undefined;
  readonly #body: Uint8Array[] = [];

  constructor(contentType: string) {
    if (contentType.includes("event-stream")) this.#parser = new EventStreamParser();
  }

  get streamed(): boolean {
    return this.#parser !== undefined;
  }

  push(bytes: Uint8Array, atMs: number): void {
    if (this.#parser) this.#readEvents(this.#parser.push(bytes), atMs);
    else this.#body.push(bytes);
  }

  end(atMs: number): void {
    if (this.#parser) this.#readEvents(this.#parser.end(), this.lastMs ?? atMs);
    else this.#readJson(Buffer.concat(this.#body).toString("utf8"), atMs);
  }

  #readEvents(events: readonly string[], atMs: number): void {
    for (const event of events) {
      if (event === "[DONE]") this.finished = true;
      else this.#readJson(event, atMs);
    }
  }

  #readJson(text: string, atMs: number): void {
    const answer = parseAnswer(text);
    if (!answer) {
      this.problem ??= { kind: "answer", message: text.slice(0, maxErrorCharacters) };
      return;
    }
    this.lastMs = atMs;
    if (answer.error) this.problem ??= { kind: "stream", message: errorMessage(text) };
    if (answer.usage) this.usage = answer.usage;
    const choices = answer.choices ?? [];
    if (choices.some(({ finish_reason }) => finish_reason)) this.finished = true;
    if (this.#parser && choices.some(hasText)) this.chunkMs.push(atMs);
    if (!this.#parser && choices.length > 0) this.finished = true;
  }
}

/** The sentence of an error's JSON, or the start of the text. */
export function errorMessage(text: string): string {
  const Body = z.object({
    error: z.union([z.string(), z.object({ message: z.string() })]).optional(),
    message: z.string().optional(),
    detail: z.string().optional(),
  });
  const { data } = Body.safeParse(jsonOf(text));
  const error = typeof data?.error === "string" ? data.error : data?.error?.message;
  return (error ?? data?.message ?? data?.detail ?? text).trim().slice(0, maxErrorCharacters);
}

type Choice = NonNullable<Answer["choices"]>[number];

function hasText({ text, delta }: Choice): boolean {
  if (text || delta?.content || delta?.reasoning_content || delta?.reasoning) return true;
  return (delta?.tool_calls?.length ?? 0) > 0;
}

function parseAnswer(text: string): Answer | undefined {
  return Answer.safeParse(jsonOf(text)).data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
