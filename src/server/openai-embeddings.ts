import type { EmbeddingRequest } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { ServerContext } from "./context.ts";
import { encodedPrompts } from "./encoded-prompts.ts";

/** POST /v1/embeddings: the mean of the hidden states of each text, of length 1. */
export async function embeddings(context: ServerContext, request: EmbeddingRequest): Promise<Response> {
  const { model, input, dimensions, encoding_format } = request;
  const { vectors, tokens, name } = await embedTexts(context, model, input, dimensions);
  return Response.json({
    object: "list",
    model: model ?? name,
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: formatted(vector, encoding_format ?? "float"),
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** Vectors of texts or lists of token ids. @throws UserError when one is empty or longer than the model's context. */
export async function embedTexts(
  { models, engine }: ServerContext,
  asked: string | null | undefined,
  input: EmbeddingRequest["input"],
  dimensions: number | null | undefined,
): Promise<{ vectors: number[][]; tokens: number; name: string }> {
  const { model, adapter, name } = await models.resolve(asked);
  const inputs = await encodedPrompts(input, model.tokenizer);
  for (const ids of inputs) {
    if (ids.length === 0) throw new UserError("server/empty-prompt", {});
    const { contextLength } = model;
    if (ids.length > contextLength) throw new UserError("server/too-long", { tokens: ids.length, contextLength });
  }
  const vectors = await Promise.all(inputs.map((ids) => engine.embed(model.name, adapter, ids)));
  return {
    vectors: vectors.map((vector) => shortened(vector, dimensions ?? vector.length)),
    tokens: inputs.reduce((sum, { length }) => sum + length, 0),
    name,
  };
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
