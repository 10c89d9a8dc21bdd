import { timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { UserError } from "../protocol/user-error.ts";
import type { ServerContext } from "./context.ts";
import { httpError } from "./http-error.ts";
import { parseJsonBody } from "./json-body.ts";
import type { RouteCall } from "./route.ts";
import { routes } from "./routes.ts";

export interface AppOptions {
  apiKey?: string | undefined;
  /** Origins whose pages may call; "*" is any. */
  allowedOrigins: readonly string[];
  maxBodyBytes: number;
}

/** The routes, as a function from web-standard requests to responses. */
export function app(context: ServerContext, options: AppOptions): Hono {
  const { allowedOrigins, maxBodyBytes: most } = options;
  const app = new Hono();
  const fail = (c: Context, error: unknown): Response => {
    const { status, body } = httpError(error, context.onBug);
    // Ollama's clients read a text, OpenAI's an object, Anthropic's an object with a type beside it.
    const told = c.req.path.startsWith("/api/") ? { error: body.error.message } : { type: "error", ...body };
    return Response.json(told, { status, ...([429, 503].includes(status) && { headers: { "retry-after": "2" } }) });
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
  for (const { method, paths, respond } of routes) {
    for (const path of paths) app[method](path, (c) => respond(context, callOf(c)));
  }
  for (const [path, possible] of methodsByPath()) {
    app.all(path, (c) => {
      const { method } = c.req;
      const response = fail(c, new UserError("server/wrong-method", { method, path: c.req.path, possible }));
      response.headers.set("allow", possible.join(", "));
      return response;
    });
  }
  return app;
}

function callOf(c: Context): RouteCall {
  return {
    param: (name) => c.req.param(name) ?? "",
    query: (name) => c.req.query(name) ?? "",
    json: async () => parseJsonBody(await c.req.arrayBuffer()),
    signal: c.req.raw.signal,
  };
}

function methodsByPath(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { method, paths } of routes) {
    for (const path of paths) found.set(path, [...(found.get(path) ?? []), method.toUpperCase()]);
  }
  return found;
}

/** As OpenAI's clients send it, or Anthropic's. */
function hasKey(c: Context, key: string): boolean {
  const given = /^Bearer (.*)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? c.req.header("x-api-key") ?? "";
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}
