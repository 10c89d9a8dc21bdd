import type { z } from "zod";
import type { Code } from "../protocol/messages/catalogue.ts";
import { UserError } from "../protocol/user-error.ts";
import type { ServerContext } from "./context.ts";

/** What a route is given of a request. */
export interface RouteCall {
  /** A part of the path, by its name there. */
  param(name: string): string;
  /** What stands behind the path's question mark under a name; "" where nothing does. */
  query(name: string): string;
  /** @throws UserError when the body is not JSON. */
  json(): Promise<unknown>;
  /** Aborts when the client goes away. */
  signal: AbortSignal;
}

/** A message that says what a route does. */
export type RouteSummary = Extract<Code, `route/${string}`>;

export interface Route {
  method: "get" | "post" | "delete";
  /** As Hono writes them; all do the same. */
  paths: readonly string[];
  summary: RouteSummary;
  /** The schema of its body. */
  request?: z.ZodType;
  /** What it may answer with. */
  contentTypes: readonly string[];
  respond(context: ServerContext, call: RouteCall): Response | Promise<Response>;
}

const json = "application/json";

export function get(path: string, summary: RouteSummary, respond: Route["respond"], contentType = json): Route {
  return { method: "get", paths: [path], summary, contentTypes: [contentType], respond };
}

/** What answers a body that its schema has parsed. */
type Handler<S extends z.ZodType> = (
  context: ServerContext,
  request: z.output<S>,
  signal: AbortSignal,
) => Promise<Response>;

export function post<S extends z.ZodType>(
  paths: readonly string[],
  summary: RouteSummary,
  request: S,
  handler: Handler<S>,
): Route {
  return {
    method: "post",
    paths,
    summary,
    request,
    contentTypes: [json],
    respond: async (context, call) => handler(context, request.parse(await call.json()), call.signal),
  };
}

/** A route whose work waits for its turn, and is refused when too much waits already. streamType: of answers in pieces. */
export function queued(route: Route, streamType?: string): Route {
  return {
    ...route,
    contentTypes: streamType === undefined ? route.contentTypes : [...route.contentTypes, streamType],
    async respond(context, call) {
      const { pendingCalls } = context.engine;
      if (pendingCalls >= context.maxPending) throw new UserError("server/busy", { pending: pendingCalls });
      return route.respond(context, call);
    },
  };
}
