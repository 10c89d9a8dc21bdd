import type { Dispatcher } from "undici";
import { reasonOf } from "../hub/connection-reason.ts";
import type { Failure, FailureKind, RequestRecord } from "../protocol/bench-result.ts";
import { AnswerReader, errorMessage } from "./answer-reader.ts";

/** What is counted while a level runs, for whoever watches. */
export interface Progress {
  answered: number;
  failed: number;
  /** Chunks with text, of all answers so far. */
  chunks: number;
}

/**
 * Times one request. undici calls it from the socket's own callback, before any stream or promise, and the clock is read first of
 * all; a chunk takes some microseconds to read, so that the next socket's is not told late.
 */
export class RequestTimer implements Dispatcher.DispatchHandler {
  readonly record: Promise<RequestRecord>;
  readonly #begun = performance.now();
  readonly #timeout: NodeJS.Timeout;
  readonly #finish: (record: RequestRecord) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | null = null;
  #retryAfterSeconds: number | null = null;
  #answer: AnswerReader | undefined;
  #errorText = "";
  #isDone = false;
  /** Once, when a kept connection was closed as the request was sent. */
  #resend: (() => void) | undefined;

  constructor(
    readonly startMs: number,
    readonly latenessMs: number | null,
    timeoutMs: number,
    readonly progress: Progress,
    resend: (() => void) | undefined,
  ) {
    this.#resend = resend;
    let finish: (record: RequestRecord) => void = () => {};
    this.record = new Promise((resolve) => {
      finish = resolve;
    });
    this.#finish = finish;
    this.#timeout = setTimeout(() => this.#fail("timeout", `${timeoutMs / 1000} s`), timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isDone) controller.abort(new Error("timed out before it was connected"));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    if (status === 200) this.#answer = new AnswerReader(String(headers["content-type"] ?? ""));
    else this.#retryAfterSeconds = secondsOf(headers["retry-after"]);
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    const now = performance.now() - this.#begun;
    if (!this.#answer) {
      if (this.#errorText.length < 16_384) this.#errorText += bytes.toString("utf8");
      return;
    }
    const before = this.#answer.chunkMs.length;
    this.#answer.push(bytes, now);
    this.progress.chunks += this.#answer.chunkMs.length - before;
  }

  onResponseEnd(): void {
    const now = performance.now() - this.#begun;
    const answer = this.#answer;
    if (!answer) {
      this.#fail("status", errorMessage(this.#errorText));
      return;
    }
    answer.end(now);
    if (answer.problem) this.#fail(answer.problem.kind, answer.problem.message);
    else if (!answer.finished) this.#fail("stream", "");
    else this.#done(answer.lastMs ?? now, null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const kind = this.#answer ? "stream" : kindOf(error);
    const resend = this.#resend;
    this.#resend = undefined;
    if (resend && kind === "closed" && this.#status === null && !this.#isDone) resend();
    else this.#fail(kind, reasonOf(error));
  }

  #fail(kind: FailureKind, message: string): void {
    const now = performance.now() - this.#begun;
    const failure = { kind, status: this.#status, message, retry_after_s: this.#retryAfterSeconds };
    this.#done(now, failure);
    this.#controller?.abort(new Error(kind));
  }

  #done(latencyMs: number, failure: Failure | null): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearTimeout(this.#timeout);
    if (failure) this.progress.failed += 1;
    else this.progress.answered += 1;
    this.#finish({
      start_ms: this.startMs,
      latency_ms: latencyMs,
      chunk_ms: this.#answer?.chunkMs ?? [],
      ...countedTokens(this.#answer),
      failure,
      lateness_ms: this.latenessMs,
    });
  }
}

/** The server's count; chunks stand for tokens only where it gives none, and the result says so. */
function countedTokens(
  answer: AnswerReader | undefined,
): Pick<RequestRecord, "prompt_tokens" | "completion_tokens" | "tokens_from"> {
  if (answer?.usage) return { ...answer.usage, tokens_from: "usage" };
  if (answer?.streamed) {
    return { prompt_tokens: null, completion_tokens: answer.chunkMs.length, tokens_from: "chunks" };
  }
  return { prompt_tokens: null, completion_tokens: null, tokens_from: "none" };
}

/** Retry-After is a number of seconds or a date. */
function secondsOf(header: string | string[] | undefined): number | null {
  if (typeof header !== "string") return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

function kindOf(error: Error): FailureKind {
  const code = codeOf(error);
  if (code === "ECONNREFUSED") return "refused";
  if (code.includes("TIMEOUT") || code === "ETIMEDOUT") return "timeout";
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(code) ? "closed" : "unreachable";
}

/** The system's or undici's; of several addresses that were tried, the first's. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
