import { Pool, request } from "undici";
import { z } from "zod";
import { reasonOf } from "../hub/connection-reason.ts";
import type { RequestRecord } from "../protocol/bench-result.ts";
import { UserError } from "../protocol/user-error.ts";
import { type Progress, RequestTimer } from "./request-timer.ts";

export type Api = "chat" | "completions";

export interface EndpointOptions {
  /** A server, its `/v1`, or the whole address of an endpoint. */
  url: string;
  /** Default: what the URL ends with, else chat. */
  api?: Api | undefined;
  apiKey?: string | undefined;
  connectTimeoutMs: number;
  /** For one request, from sending to the end of the answer. */
  totalTimeoutMs: number;
}

const endings: Record<Api, string> = { chat: "/chat/completions", completions: "/completions" };
const Models = z.object({ data: z.array(z.object({ id: z.string() })) });

/** Where requests go. */
export class Endpoint {
  readonly url: URL;
  readonly api: Api;
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #options: EndpointOptions;

  /** @throws UserError for what is no address of a server */
  constructor(options: EndpointOptions) {
    const given = options.url.includes("://") ? options.url : `http://${options.url}`;
    if (!URL.canParse(given) || !/^https?:/.test(given)) throw new UserError("bench/bad-url", { given: options.url });
    const url = new URL(given);
    const path = url.pathname.replace(/\/+$/, "");
    const ending =
      endings.chat === path.slice(-endings.chat.length) ? "chat" : path.endsWith(endings.completions) && "completions";
    this.api = options.api ?? (ending || "chat");
    this.#base = ending ? path.slice(0, -endings[ending].length) : path || "/v1";
    url.pathname = this.#base + endings[this.api];
    this.url = url;
    this.#options = options;
    const key = options.apiKey;
    this.#headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
  }

  /**
   * Connections that stay open from one request to the next: as many as requests run at a time.
   * @param most without it there is no limit. With it a request waits until one is free: undici's pool opens another where the
   *   last answer ended in the same turn of the event loop.
   */
  connect(most?: number): Connections {
    return new Connections(this.url, this.#headers, this.#options, most);
  }

  /** The first model that the server names. */
  async firstModel(): Promise<string> {
    const url = new URL(`${this.#base}/models`, this.url);
    try {
      const { statusCode, body } = await request(url, { headers: this.#headers });
      const text = await body.text();
      const [first] = statusCode === 200 ? Models.parse(JSON.parse(text)).data : [];
      if (first) return first.id;
      throw new UserError("bench/no-model", { url: url.href, reason: `HTTP ${statusCode}` });
    } catch (error) {
      if (error instanceof UserError) throw error;
      const reason = error instanceof z.ZodError || error instanceof SyntaxError ? "" : reasonOf(error);
      throw new UserError("bench/no-model", { url: url.href, reason });
    }
  }
}

/** Open connections to an endpoint. */
export class Connections {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  readonly #timeoutMs: number;
  readonly #begun = performance.now();
  #hasAnswered = false;
  readonly progress: Progress = { answered: 0, failed: 0, chunks: 0 };

  constructor(
    url: URL,
    headers: Record<string, string>,
    { connectTimeoutMs, totalTimeoutMs }: EndpointOptions,
    most: number | undefined,
  ) {
    this.#pool = new Pool(url.origin, {
      connections: most ?? null,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 60_000,
      allowH2: false,
    });
    this.#path = url.pathname + url.search;
    this.#headers = headers;
    this.#timeoutMs = totalTimeoutMs;
  }

  /** Milliseconds since these connections were made: the clock of `start_ms`. */
  nowMs(): number {
    return performance.now() - this.#begun;
  }

  /** Sends one request; never throws. */
  send(body: string, latenessMs: number | null = null): Promise<RequestRecord> {
    const dispatch = () =>
      void this.#pool.dispatch({ path: this.#path, method: "POST", headers: this.#headers, body }, timer);
    // Some servers close a connection with an answer, or soon after: then the next request meets a closed one.
    const resend = this.#hasAnswered ? dispatch : undefined;
    const timer = new RequestTimer(this.nowMs(), latenessMs, this.#timeoutMs, this.progress, resend);
    dispatch();
    void timer.record.then(({ failure }) => {
      this.#hasAnswered ||= failure === null;
    });
    return timer.record;
  }

  /** Ends all connections; requests on them fail. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
