import { setMaxListeners } from "node:events";
import type { Readable } from "node:stream";
import { type Dispatcher, request } from "undici";
import { z } from "zod";
import { UserError } from "../protocol/user-error.ts";
import { connectionReason, reasonOf } from "./connection-reason.ts";
import { dispatcherFor } from "./dispatcher.ts";
import type { HubSettings } from "./settings.ts";

/** A hub's answer that is not a success. */
export class HttpStatusError extends Error {
  override readonly name = "HttpStatusError";

  constructor(
    readonly url: string,
    readonly status: number,
    /** The hub's own word for it, such as `GatedRepo`. */
    readonly code: string | undefined,
    readonly detail: string,
    readonly retryAfterSeconds: number | undefined,
    /** A storage host that the hub redirected to says so, whose signed addresses expire. */
    readonly fromStorage = false,
  ) {
    super(`${status} from ${url}: ${detail}`);
  }

  get transient(): boolean {
    const passing = [408, 429, 500, 502, 503, 504].includes(this.status);
    return passing || (this.fromStorage && this.status !== 416);
  }
}

/** No answer, a cut answer, or one that stopped coming. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";

  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`${url}: ${reason}`);
  }
}

export interface OpenResponse {
  status: number;
  headers: Headers;
  body: Readable;
}

const redirects = [301, 302, 303, 307, 308];
const maxRedirects = 8;
/** The start of an error's text that is read. */
const maxErrorBytes = 16_384;

/** Requests to one hub. */
export class HubHttp {
  readonly #dispatcher: Dispatcher;

  constructor(
    readonly settings: HubSettings,
    readonly signal?: AbortSignal | undefined,
  ) {
    const { stallMs, hub, endpoint } = settings;
    if (!URL.canParse(endpoint)) throw new UserError("hub/bad-endpoint", { hub, given: endpoint });
    // One request listens to it, and there may be dozens: a model has a header for each of its files.
    if (signal) setMaxListeners(0, signal);
    this.#dispatcher = dispatcherFor(stallMs);
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  /**
   * Opens a URL and follows its redirects; the token goes to the hub itself and to no host that it redirects to.
   * @throws HttpStatusError, ConnectionError
   */
  async open(url: string, headers: Record<string, string> = {}): Promise<OpenResponse> {
    let at = url;
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const response = await this.#request(at, headers);
      const location = response.headers.get("location");
      if (!redirects.includes(response.status) || location === null) return this.#successful(at, response);
      response.body.on("error", () => {}).destroy();
      at = new URL(location, at).href;
    }
    throw new ConnectionError(url, connectionReason("redirects"));
  }

  /** The JSON that a URL answers with, and the address of the next page, where there is one. */
  async json<T>(url: string, schema: z.ZodType<T>): Promise<{ value: T; next: string | undefined }> {
    const { body, headers } = await this.open(url, { accept: "application/json" });
    const text = await readAll(url, body, Number.POSITIVE_INFINITY);
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(headers.get("link") ?? "")?.[1];
    try {
      return { value: schema.parse(JSON.parse(text)), next: next && new URL(next, url).href };
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      throw new ConnectionError(url, connectionReason("notAHub", reason.split("\n")[0]));
    }
  }

  async text(url: string, headers: Record<string, string> = {}): Promise<string> {
    return readAll(url, (await this.open(url, headers)).body, Number.POSITIVE_INFINITY);
  }

  /** `length` bytes from `start`, fewer at the end of the file. */
  async bytes(url: string, start: number, length: number): Promise<Buffer> {
    const { body, status } = await this.open(url, { range: `bytes=${start}-${start + length - 1}` });
    const skip = status === 206 ? 0 : start;
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body) {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= skip + length) break;
      }
    } catch (error) {
      throw new ConnectionError(url, reasonOf(error));
    }
    return Buffer.concat(chunks).subarray(skip, skip + length);
  }

  async #request(url: string, headers: Record<string, string>): Promise<OpenResponse> {
    try {
      const {
        statusCode,
        headers: given,
        body,
      } = await request(url, {
        dispatcher: this.#dispatcher,
        headers: { "user-agent": "cygnet", "accept-encoding": "identity", ...headers, ...this.#credentials(url) },
        signal: this.signal ?? null,
      });
      return { status: statusCode, headers: headersOf(given), body };
    } catch (error) {
      this.signal?.throwIfAborted();
      throw new ConnectionError(url, reasonOf(error));
    }
  }

  #credentials(url: string): Record<string, string> {
    const { token, endpoint, hub } = this.settings;
    if (!token || new URL(url).origin !== new URL(endpoint).origin) return {};
    const authorization = `Bearer ${token}`;
    return hub === "hf" ? { authorization } : { authorization, cookie: `m_session_id=${token}` };
  }

  async #successful(url: string, response: OpenResponse): Promise<OpenResponse> {
    const { status, headers, body } = response;
    if (status === 200 || status === 206) return response;
    const text = await readAll(url, body, maxErrorBytes).catch(() => "");
    const detail = headers.get("x-error-message") ?? messageOf(text);
    const wait = Number(headers.get("retry-after") ?? Number.NaN);
    const code = headers.get("x-error-code") ?? undefined;
    const seconds = Number.isFinite(wait) && wait >= 0 ? wait : undefined;
    const fromStorage = new URL(url).origin !== new URL(this.settings.endpoint).origin;
    throw new HttpStatusError(url, status, code, detail, seconds, fromStorage);
  }
}

async function readAll(url: string, body: Readable, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= limit) break;
    }
  } catch (error) {
    throw new ConnectionError(url, reasonOf(error));
  }
  return Buffer.concat(chunks).toString("utf8");
}

function headersOf(given: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return headers;
}

/** The sentence in an error's JSON: Hugging Face writes `error`, ModelScope `Message`. */
function messageOf(text: string): string {
  const Message = z.object({ error: z.string().optional(), Message: z.string().optional() });
  try {
    const parsed = Message.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data.error ?? parsed.data.Message ?? "";
  } catch {
    // A proxy's page, which says nothing of use here.
  }
  return "";
}
