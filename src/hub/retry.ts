import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, HttpStatusError } from "./http.ts";

/** Failures in a row, without a byte between them, after which a download is given up. */
const mostFailures = 5;
/** The longest wait that a server's Retry-After is followed for. */
const maxWaitSeconds = 300;

/** Why there is a pause before the next try. */
export interface RetryPause {
  seconds: number;
  /** The server asked for it. */
  asked: boolean;
  reason: string;
}

export interface RetryOptions {
  signal?: AbortSignal | undefined;
  onPause?: ((pause: RetryPause) => void) | undefined;
  /** How far a task has come; failures are counted from the last one that got further. */
  position?: () => number;
  maxFailures?: number;
}

/** Runs a task again while it fails for reasons that pass: a cut line, a busy server. */
export async function withRetries<T>(task: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { signal, onPause, position = () => 0, maxFailures = mostFailures } = options;
  let failures = 0;
  let reached = position();
  for (;;) {
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      if (position() > reached) failures = 0;
      reached = position();
      failures++;
      const pause = failures > maxFailures ? undefined : pauseAfter(error, failures);
      if (!pause) throw error;
      onPause?.(pause);
      await sleep(pause.seconds * 1000, undefined, signal ? { signal } : {});
    }
  }
}

function pauseAfter(error: unknown, failures: number): RetryPause | undefined {
  const backoff = Math.min(30, 2 ** (failures - 1));
  if (error instanceof ConnectionError) return { seconds: backoff, asked: false, reason: error.reason };
  if (!(error instanceof HttpStatusError) || !error.transient) return undefined;
  const { retryAfterSeconds, status } = error;
  if (retryAfterSeconds !== undefined && retryAfterSeconds > maxWaitSeconds) return undefined;
  return { seconds: retryAfterSeconds ?? backoff, asked: retryAfterSeconds !== undefined, reason: `HTTP ${status}` };
}
