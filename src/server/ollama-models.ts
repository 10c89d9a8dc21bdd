import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { OllamaEmbedRequest, OllamaShowRequest } from "../protocol/ollama.ts";
import type { ServerContext } from "./context.ts";
import { embedTexts } from "./openai-embeddings.ts";
import { knowsTools } from "./tool-use.ts";

/** The version of Ollama's API that these routes answer like. */
const apiVersion = "0.12.0";

/** GET /api/version */
export function ollamaVersion(): Response {
  return Response.json({ version: apiVersion });
}

/** GET /api/tags: every model that requests can name. */
export async function ollamaTags({ models }: ServerContext): Promise<Response> {
  models.rescan();
  const listed = await Promise.all(
    models.places().map(async (place) => ({ ...place, ...(await factsOf(place.folder)) })),
  );
  return Response.json({ models: listed.map(described) });
}

/** When models expire that stay, as Ollama has it: in a time that no client lives to see. */
const never = new Date("2318-01-01T00:00:00Z");

/** GET /api/ps: models in memory. */
export function ollamaProcesses({ engine, models }: ServerContext): Response {
  const there = engine.status.models.filter(({ model }) => models.isInUse(model)); // others are about to go
  const loaded = there.map(({ model: name, weightBytes, cacheBytes }) => ({
    ...described({ name, bytes: weightBytes + cacheBytes, modified: new Date() }),
    size_vram: weightBytes + cacheBytes,
    expires_at: (models.expiry(name) ?? never).toISOString(),
  }));
  return Response.json({ models: loaded });
}

/** POST /api/show */
export async function ollamaShow({ models }: ServerContext, request: OllamaShowRequest): Promise<Response> {
  const { model, name = model ?? "" } = request;
  const { model: served } = await models.resolve(name);
  const { bytes, modified } = await factsOf(served.folder);
  const { details } = described({ name, bytes, modified });
  return Response.json({
    modelfile: "",
    parameters: "",
    template: "",
    details,
    model_info: {
      "general.architecture": served.architecture,
      [`${served.architecture}.context_length`]: served.contextLength,
    },
    capabilities: [
      "completion",
      ...(knowsTools(served.tokenizer) ? ["tools"] : []),
      ...(served.tokenizer.hasThinking ? ["thinking"] : []),
    ],
    modified_at: modified.toISOString(),
  });
}

/** POST /api/embed */
export async function ollamaEmbed(context: ServerContext, request: OllamaEmbedRequest): Promise<Response> {
  const { model, input, dimensions } = request;
  const start = process.hrtime.bigint();
  const { vectors, tokens } = await embedTexts(context, model, input, dimensions);
  return Response.json({
    model,
    embeddings: vectors,
    total_duration: Number(process.hrtime.bigint() - start),
    load_duration: 0,
    prompt_eval_count: tokens,
  });
}

interface Facts {
  bytes: number;
  modified: Date;
}

async function factsOf(folder: string): Promise<Facts> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".safetensors"));
  const found = files.map((name) => statSync(join(folder, name), { throwIfNoEntry: false }));
  const bytes = found.reduce((sum, file) => sum + (file?.size ?? 0), 0);
  const latest = Math.max(0, ...found.map((file) => file?.mtimeMs ?? 0));
  return { bytes, modified: new Date(latest) };
}

function described({ name, bytes, modified }: Facts & { name: string }) {
  const details = {
    parent_model: "",
    format: "safetensors",
    family: "",
    families: [],
    parameter_size: "",
    quantization_level: "",
  };
  return { name, model: name, modified_at: modified.toISOString(), size: bytes, digest: "", details };
}
