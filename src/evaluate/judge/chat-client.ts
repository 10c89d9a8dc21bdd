import { setMaxListeners } from "node:events";
import { type Dispatcher, request } from "undici";
import { z } from "zod";
import { reasonOf } from "../../hub/connection-reason.ts";
import { dispatcherFor } from "../../hub/dispatcher.ts";
import { ConnectionError, HttpStatusError } from "../../hub/http.ts";
import { type RetryPause, withRetries } from "../../hub/retry.ts";
import { UserError } from "../../protocol/user-error.ts";

export interface ChatClientOptions {
  /** A server, its `/v1`, or the whole address of chat completions. */
  url: string;
  model: string;
  apiKey?: string | undefined;
  /** Further fields of each request; null takes one of ours out. */
  fields?: Readonly<Record<string, unknown>> | undefined;
  signal?: AbortSignal | undefined;
  onPause?: ((pause: RetryPause) => void) | undefined;
}

const ending = "/chat/completions";
/** An answer may be thought about for long before its first byte. */
const stallMs = 300_000;
/** Tries of one request after its first. */
const maxFailures = 4;
const maxErrorLength = 300;
const ErrorBody = z.object({ error: z.union([z.string(), z.object({ message: z.string() })]) });
const Completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
});

/** Single questions to a model behind an OpenAI-compatible API. */
export class ChatClient {
  readonly url: URL;
  readonly #options: ChatClientOptions;
  readonly #dispatcher: Dispatcher;

  /** @throws UserError for what is no address of a server */
  constructor(options: ChatClientOptions) {
    const given = options.url.includes("://") ? options.url : `http://${options.url}`;
    if (!URL.canParse(given) || !/^https?:/.test(given))
      throw new UserError("compare/bad-judge-url", { given: options.url });
    this.url = new URL(given);
    const path = this.url.pathname.replace(/\/+$/, "");
    this.url.pathname = path.endsWith(ending) ? path : (path || "/v1") + ending;
    if (options.signal) setMaxListeners(0, options.signal); // requests that run at a time listen to it
    this.#options = options;
    this.#dispatcher = dispatcherFor(stallMs);
  }

  /**
   * What the model answers. Requests that fail for reasons that pass are sent again, a few times.
   * @throws HttpStatusError, ConnectionError, UserError for an answer that is none, or the reason of the signal
   */
  async ask(system: string, question: string): Promise<string> {
    const { model, fields = {}, signal, onPause } = this.#options;
    const messages = [
      { role: "system", content: system },
      { role: "user", content: question },
    ];
    const all = Object.entries({ model, messages, temperature: 0, max_tokens: 1024, ...fields });
    const body = JSON.stringify(Object.fromEntries(all.filter(([, value]) => value !== null)));
    try {
      return await withRetries(() => this.#post(body), { signal, onPause, maxFailures });
    } catch (error) {
      signal?.throwIfAborted(); // a pause that is aborted ends with another error
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #post(body: string): Promise<string> {
    const { apiKey, signal = null } = this.#options;
    const headers = { "content-type": "application/json", ...(apiKey && { authorization: `Bearer ${apiKey}` }) };
    const url = this.url.href;
    const answered = await request(url, { method: "POST", headers, body, signal, dispatcher: this.#dispatcher })
      .then(async (answer) => ({ ...answer, text: await answer.body.text() }))
      .catch((error: unknown) => {
        signal?.throwIfAborted();
        throw new ConnectionError(url, reasonOf(error));
      });
    if (answered.statusCode !== 200) throw statusError(url, answered);
    const parsed = Completion.safeParse(jsonOf(answered.text));
    if (!parsed.success) throw new UserError("compare/not-a-completion", { url, text: shortened(answered.text) });
    return parsed.data.choices[0]?.message.content ?? "";
  }
}

function statusError(
  url: string,
  {
    statusCode,
    headers,
    text,
  }: { statusCode: number; headers: Record<string, string | string[] | undefined>; text: string },
): HttpStatusError {
  const parsed = ErrorBody.safeParse(jsonOf(text));
  const said = parsed.success ? parsed.data.error : text;
  const wait = Number(headers["retry-after"] ?? Number.NaN);
  const seconds = Number.isFinite(wait) && wait >= 0 ? wait : undefined;
  return new HttpStatusError(
    url,
    statusCode,
    undefined,
    shortened(typeof said === "string" ? said : said.message),
    seconds,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shortened(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > maxErrorLength ? `${line.slice(0, maxErrorLength)}…` : line;
}
