import { z } from "zod";
import { say } from "../protocol/language.ts";
import { OllamaError } from "../protocol/ollama.ts";
import { ErrorBody } from "../protocol/openai.ts";
import type { Route } from "./route.ts";

/** The routes as OpenAPI 3.1 describes them (https://spec.openapis.org/oas/v3.1.1); bodies are what the routes parse with. */
export function openApiDocument(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    for (const path of route.paths) {
      const name = path.replace(parameter, "{$1}");
      paths[name] = { ...paths[name], [route.method]: operation(route, path) };
    }
  }
  return {
    openapi: "3.1.1",
    info: { title: "Cygnet", version },
    paths,
    components: {
      schemas: { Error: schemaOf(ErrorBody), OllamaError: schemaOf(OllamaError) },
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
    },
    security: [{}, { key: [] }],
  };
}

/** A part of a path in Hono's words: `:name`, or `:name{pattern}`. */
const parameter = /:(\w+)(?:\{[^}]*\})?/g;

function operation({ summary, request, contentTypes }: Route, path: string): object {
  const names = [...path.matchAll(parameter)].flatMap(([, name]) => name ?? []);
  const error = path.startsWith("/api/") ? "OllamaError" : "Error";
  return {
    summary: say(summary, {}),
    ...(names.length > 0 && { parameters: names.map(inPath) }),
    ...(request && { requestBody: { required: true, content: { "application/json": { schema: schemaOf(request) } } } }),
    responses: {
      200: { description: say(summary, {}), content: Object.fromEntries(contentTypes.map((type) => [type, {}])) },
      default: {
        description: say("route/failure", {}),
        content: { "application/json": { schema: { $ref: `#/components/schemas/${error}` } } },
      },
    },
  };
}

function inPath(name: string): object {
  return { name, in: "path", required: true, schema: { type: "string" } };
}

/** Of what is sent: what has a default may be missing. */
function schemaOf(schema: z.ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}
