/** Server-sent events as they are made. Aborts `abort` when the client goes away. */
export function eventStream(events: AsyncIterable<string>, abort: AbortController): Response {
  return stream(events, (event) => event, "text/event-stream; charset=utf-8", abort);
}

/** One JSON object a line, as Ollama streams. Aborts `abort` when the client goes away. */
export function lineStream(values: AsyncIterable<object>, abort: AbortController): Response {
  return stream(values, (value) => `${JSON.stringify(value)}\n`, "application/x-ndjson", abort);
}

/** A server-sent event with JSON in it. */
export function dataEvent(value: unknown, event?: string): string {
  return `${event ? `event: ${event}\n` : ""}data: ${JSON.stringify(value)}\n\n`;
}

/** OpenAI's last event. */
export const doneEvent = "data: [DONE]\n\n";

function stream<T>(
  values: AsyncIterable<T>,
  textOf: (value: T) => string,
  type: string,
  abort: AbortController,
): Response {
  const encoder = new TextEncoder();
  const iterator = values[Symbol.asyncIterator]();
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
