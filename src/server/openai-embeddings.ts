import { EmbeddingRequest } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { ServerContext } from "./context.ts";
import { encodedPrompts } from "./encoded-prompts.ts";

/** POST /v1/embeddings: the mean of the hidden states of each text, of length 1. */
export async function embeddings(context: ServerContext, body: unknown): Promise<Response> {
  const request = EmbeddingRequest.parse(body);
  const { model, adapter, name } = await context.models.resolve(request.model);
  const inputs = await encodedPrompts(request.input, model.tokenizer);
  for (const ids of inputs) {
    if (ids.length === 0) throw new UserError("server/empty-prompt", {});
    const { contextLength } = model;
    if (ids.length > contextLength) throw new UserError("server/too-long", { tokens: ids.length, contextLength });
  }
  const vectors = await Promise.all(inputs.map((ids) => context.engine.embed(model.name, adapter, ids)));
  const tokens = inputs.reduce((sum, { length }) => sum + length, 0);
  return Response.json({
    object: "list",
    model: request.model ?? name,
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: formatted(shortened(vector, request.dimensions ?? vector.length), request.encoding_format ?? "float"),
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** The first dimensions, of length 1 again. */
function shortened(vector: readonly number[], dimensions: number): number[] {
  const part = vector.slice(0, dimensions);
  const length = Math.hypot(...part);
  return dimensions < vector.length ? part.map((value) => value / length) : part;
}

function formatted(vector: readonly number[], format: "float" | "base64"): readonly number[] | string {
  return format === "float" ? vector : Buffer.from(Float32Array.from(vector).buffer).toString("base64");
}
