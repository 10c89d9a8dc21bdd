import type { ErrorBody } from "../protocol/openai.ts";
import { abortWith } from "./abort-with.ts";
import type { ServerContext } from "./context.ts";
import { httpError } from "./http-error.ts";

/** What a stream sends. */
interface Source<T> {
  /** Aborts when the client goes away. */
  signal: AbortSignal;
  /** Its values as they are made, until the signal aborts. */
  values(signal: AbortSignal): AsyncIterable<T>;
  /** The last value, when the others cannot be made. */
  failure(body: ErrorBody): T;
}

type StreamContext = Pick<ServerContext, "onBug">;

/** Server-sent events as they are made. */
export function eventStream(context: StreamContext, source: Source<string>): Response {
  return stream(context, source, (event) => event, "text/event-stream; charset=utf-8");
}

/** One JSON object a line, as Ollama streams. */
export function lineStream(context: StreamContext, source: Source<object>): Response {
  return stream(context, source, (value) => `${JSON.stringify(value)}\n`, "application/x-ndjson");
}

/** A server-sent event with JSON in it. */
export function dataEvent(value: unknown, event?: string): string {
  return `${event ? `event: ${event}\n` : ""}data: ${JSON.stringify(value)}\n\n`;
}

/** OpenAI's last event. */
export const doneEvent = "data: [DONE]\n\n";

function stream<T>(
  { onBug }: StreamContext,
  { signal, values, failure }: Source<T>,
  textOf: (value: T) => string,
  type: string,
): Response {
  const abort = abortWith(signal);
  const encoder = new TextEncoder();
  const iterator = values(abort.signal)[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const send = (value: T): void => controller.enqueue(encoder.encode(textOf(value)));
      try {
        const step = await iterator.next();
        if (step.done) controller.close();
        else send(step.value);
      } catch (error) {
        send(failure(httpError(error, onBug).body));
        controller.close();
        abort.abort();
      }
    },
    async cancel() {
      abort.abort();
      await iterator.return?.();
    },
  });
  return new Response(body, {
    headers: { "content-type": type, "cache-control": "no-cache", "x-accel-buffering": "no" },
  });
}
