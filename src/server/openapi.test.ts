import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Hono } from "hono";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Engine } from "../engine/engine.ts";
import { app } from "./app.ts";
import { ServedModels } from "./served-models.ts";
import { StoredResponses } from "./stored-responses.ts";

const Operation = z.looseObject({
  summary: z.string().min(1),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.literal("path"), required: z.literal(true) })).optional(),
  requestBody: z
    .object({
      content: z.looseObject({ "application/json": z.looseObject({ schema: z.record(z.string(), z.unknown()) }) }),
    })
    .optional(),
  responses: z.record(
    z.string(),
    z.looseObject({ description: z.string().min(1), content: z.record(z.string(), z.object()) }),
  ),
});
const Document = z.looseObject({
  openapi: z.string().regex(/^3\.1\.\d$/),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string().startsWith("/"), z.partialRecord(z.enum(["get", "post", "delete"]), Operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

let routes: Hono;
let document: z.infer<typeof Document>;
beforeAll(async () => {
  const engine = new Engine({ memoryBytes: 0 }); // never asked
  const context = {
    version: "1.2.3",
    engine,
    models: new ServedModels(engine, { models: [], adapterFolders: [] }),
    responses: new StoredResponses(),
    defaults: { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 9, templateVariables: {} },
    onBug: () => {},
    maxPending: 9,
  };
  routes = app(context, { allowedOrigins: ["*"], maxBodyBytes: 1000 });
  document = Document.parse(await (await routes.request("/openapi.json")).json());
});

describe("the document of the routes", () => {
  test("is valid OpenAPI", async () => {
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("has every route of the server, and no other", () => {
    const served = routes.routes.filter(({ method }) => method !== "ALL");
    const expected = served.map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{.*\})?/g, "{$1}")}`);
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.sort()).toEqual(expected.sort());
    expect(listed).toContain("POST /v1/chat/completions");
  });

  test("has schemas that are schemas, and names what they need", () => {
    const ajv = new Ajv2020({ strict: false });
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const operation of Object.values(methods)) {
        const schema = operation?.requestBody?.content["application/json"].schema;
        if (schema) expect(ajv.validateSchema(schema), `${path}: ${ajv.errorsText()}`).toBe(true);
        const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        expect(operation?.parameters?.map(({ name }) => name) ?? []).toEqual(names);
      }
    }
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? "");
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining([...new Set(references)]));
  });

  test("says of a body what the route says", () => {
    const schema = document.paths["/v1/chat/completions"]?.post?.requestBody?.content["application/json"].schema ?? {};
    const validate = new Ajv2020({ strict: false }).compile(schema);
    const messages = [{ role: "user", content: "hello" }];
    expect(validate({ messages, temperature: 0.5, tools: null })).toBe(true);
    expect(validate({ messages: [] })).toBe(false);
    expect(validate({ messages, temperature: "hot" })).toBe(false);
  });
});

test("what is asked for in the wrong way is told the right one", async () => {
  const wrong = await routes.request("/v1/chat/completions");
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
  expect(await wrong.text()).toMatch(/does not take GET; possible: POST/);
  const kept = await routes.request("/v1/responses/resp_1", { method: "PUT" });
  expect([kept.status, kept.headers.get("allow")]).toEqual([405, "GET, DELETE"]);
  const ollama = await routes.request("/api/tags", { method: "POST" });
  expect([ollama.status, await ollama.json()]).toEqual([405, { error: expect.stringMatching(/possible: GET/) }]);
  expect((await routes.request("/v2/chat")).status).toBe(404);
  expect((await routes.request("/health", { method: "HEAD" })).status).toBe(200);
  expect(await (await routes.request("/")).json()).toMatchObject({ version: "1.2.3", openapi: "/openapi.json" });
});
