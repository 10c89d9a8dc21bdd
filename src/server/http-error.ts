import { z } from "zod";
import { UserError } from "../protocol/user-error.ts";

/** What a client is told when a request fails: a status, and OpenAI's error object. */
export interface HttpError {
  status: 400 | 401 | 404 | 413 | 429 | 500 | 503;
  body: { error: { message: string; type: string; code: string; param: null } };
}

const statuses: Record<string, HttpError["status"]> = {
  "server/unknown-model": 404,
  "server/no-route": 404,
  "server/no-key": 401,
  "server/too-large": 413,
  "server/busy": 429,
  "engine/no-adapter": 404,
  "engine/crashed": 503,
  "engine/closed": 503,
  "engine/no-memory": 503,
};

const types: Record<HttpError["status"], string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  503: "overloaded_error",
};

export function httpError(error: unknown): HttpError {
  const { code, message } = described(error);
  const status = code === "internal" ? 500 : (statuses[code] ?? 400);
  return { status, body: { error: { message, type: types[status], code, param: null } } };
}

function described(error: unknown): { code: string; message: string } {
  if (error instanceof z.ZodError)
    return described(new UserError("server/bad-request", { problems: error.issues.map(problemOf) }));
  if (!(error instanceof UserError))
    return { code: "internal", message: "The server has a bug here; its log says more." };
  const facts: unknown = error.facts;
  const reported = z.object({ code: z.string() }).safeParse(facts);
  const code = error.code === "engine/reported" && reported.success ? reported.data.code : error.code;
  return { code, message: error.message };
}

function problemOf({ path, message }: z.core.$ZodIssue): string {
  return path.length > 0 ? `${path.join(".")}: ${message}` : message;
}
