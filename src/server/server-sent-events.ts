import { abortWith } from "./abort-with.ts";

/** Makes what is sent; the signal aborts when nobody reads it any more. */
type Source<T> = (signal: AbortSignal) => AsyncIterable<T>;

/** Server-sent events as they are made, until the client goes away or `signal` aborts. */
export function eventStream(signal: AbortSignal, events: Source<string>): Response {
  return stream(signal, events, (event) => event, "text/event-stream; charset=utf-8");
}

/** One JSON object a line, as Ollama streams. */
export function lineStream(signal: AbortSignal, values: Source<object>): Response {
  return stream(signal, values, (value) => `${JSON.stringify(value)}\n`, "application/x-ndjson");
}

/** A server-sent event with JSON in it. */
export function dataEvent(value: unknown, event?: string): string {
  return `${event ? `event: ${event}\n` : ""}data: ${JSON.stringify(value)}\n\n`;
}

/** OpenAI's last event. */
export const doneEvent = "data: [DONE]\n\n";

function stream<T>(signal: AbortSignal, values: Source<T>, textOf: (value: T) => string, type: string): Response {
  const abort = abortWith(signal);
  const encoder = new TextEncoder();
  const iterator = values(abort.signal)[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const step = await iterator.next();
      if (step.done) controller.close();
      else controller.enqueue(encoder.encode(textOf(step.value)));
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
