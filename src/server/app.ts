import { timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { UserError } from "../protocol/user-error.ts";
import { countTokens, messages } from "./anthropic-messages.ts";
import type { ServerContext } from "./context.ts";
import { httpError } from "./http-error.ts";
import { metrics } from "./metrics.ts";
import { ollamaChat, ollamaGenerate } from "./ollama-answers.ts";
import { ollamaEmbed, ollamaProcesses, ollamaShow, ollamaTags, ollamaVersion } from "./ollama-models.ts";
import { chatCompletions } from "./openai-chat.ts";
import { completions } from "./openai-completions.ts";
import { embeddings } from "./openai-embeddings.ts";
import { addAdapter, listModels, removeAdapter, showModel } from "./openai-models.ts";

export interface AppOptions {
  apiKey?: string | undefined;
  /** Origins whose pages may call; "*" is any. */
  allowedOrigins: readonly string[];
  maxBodyBytes: number;
  /** Told of what is no fault of a request. */
  onBug(error: unknown): void;
}

/** What answers a JSON body; aborting the signal ends the work. */
type Route = (context: ServerContext, body: unknown, signal: AbortSignal) => Promise<Response>;

/** The routes, as a function from web-standard requests to responses. */
export function app(context: ServerContext, options: AppOptions): Hono {
  const { allowedOrigins, maxBodyBytes: most } = options;
  const app = new Hono();
  const fail = (c: Context, error: unknown): Response => {
    const { status, body } = httpError(error);
    if (status === 500) options.onBug(error);
    // Ollama's clients read a text, OpenAI's an object, Anthropic's an object with a type beside it.
    const told = c.req.path.startsWith("/api/") ? { error: body.error.message } : { type: "error", ...body };
    return Response.json(told, { status, ...(status === 429 && { headers: { "retry-after": "2" } }) });
  };
  app.onError((error, c) => fail(c, error));
  app.notFound((c) => fail(c, new UserError("server/no-route", { route: `${c.req.method} ${c.req.path}` })));
  app.use(cors({ origin: allowedOrigins.includes("*") ? "*" : [...allowedOrigins] }));
  app.use(bodyLimit({ maxSize: most, onError: (c) => fail(c, new UserError("server/too-large", { most })) }));
  app.use(async (c, next) => {
    if (options.apiKey !== undefined && c.req.path !== "/health" && !hasKey(c, options.apiKey)) {
      return fail(c, new UserError("server/no-key", {}));
    }
    await next();
  });
  const post = (paths: readonly string[], route: Route): void => {
    for (const path of paths) {
      app.post(path, async (c) => route(context, await jsonBody(c), c.req.raw.signal));
    }
  };
  const withOpenAiPaths = (path: string): string[] => [`/v1${path}`, path];

  post(withOpenAiPaths("/chat/completions"), queued(chatCompletions));
  post(withOpenAiPaths("/completions"), queued(completions));
  post(withOpenAiPaths("/embeddings"), queued(embeddings));
  post(["/v1/messages"], queued(messages));
  post(["/v1/messages/count_tokens"], countTokens);
  post(["/api/generate"], queued(ollamaGenerate));
  post(["/api/chat"], queued(ollamaChat));
  post(["/api/embed"], queued(ollamaEmbed));
  post(["/api/show"], ollamaShow);
  app.get("/api/tags", () => ollamaTags(context));
  app.get("/api/ps", () => ollamaProcesses(context));
  app.get("/api/version", () => ollamaVersion());
  post(["/v1/load_lora_adapter"], addAdapter);
  post(["/v1/unload_lora_adapter"], removeAdapter);
  app.get("/v1/models", () => listModels(context));
  app.get("/v1/models/:name{.+}", (c) => showModel(context, c.req.param("name")));
  // Ollama's clients and Claude Code look here first, to see whether anybody answers.
  app.get("/", () => new Response("Cygnet is running\n"));
  app.get("/health", () => Response.json({ status: "ok" }));
  app.get("/metrics", () => metrics(context));
  return app;
}

/** A route whose work waits for its turn: refused when too many wait already. */
function queued(route: Route): Route {
  return async (context, body, signal) => {
    const { pendingCalls } = context.engine;
    if (pendingCalls >= context.maxPending) throw new UserError("server/busy", { pending: pendingCalls });
    return route(context, body, signal);
  };
}

async function jsonBody(c: Context): Promise<unknown> {
  try {
    const bytes = await c.req.arrayBuffer();
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new UserError("server/not-json", { reason: error instanceof Error ? error.message : String(error) });
  }
}

/** As OpenAI's clients send it, or Anthropic's. */
function hasKey(c: Context, key: string): boolean {
  const given = /^Bearer (.*)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? c.req.header("x-api-key") ?? "";
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}
