import { z } from "zod";

// Requests of Ollama's API.

/** Options that say how an answer is chosen; those about loading a model have no meaning here. */
const Options = z.looseObject({
  temperature: z.number().min(0).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  /** Most tokens of the answer; negative: as many as there is room for. */
  num_predict: z.int().nullish(),
  repeat_penalty: z.number().positive().nullish(),
  repeat_last_n: z.int().min(1).nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
});
export type Options = z.infer<typeof Options>;

const shared = {
  model: z.string(),
  stream: z.boolean().nullish(),
  options: Options.nullish(),
  think: z.union([z.boolean(), z.string()]).nullish(),
};

export const OllamaGenerateRequest = z.looseObject({
  ...shared,
  prompt: z.string().default(""),
  system: z.string().nullish(),
  /** The prompt is given to the model as it is. */
  raw: z.boolean().nullish(),
});
export type OllamaGenerateRequest = z.infer<typeof OllamaGenerateRequest>;

export const OllamaChatRequest = z.looseObject({
  ...shared,
  messages: z
    .array(z.looseObject({ role: z.enum(["system", "user", "assistant", "tool"]), content: z.string().default("") }))
    .default([]),
});
export type OllamaChatRequest = z.infer<typeof OllamaChatRequest>;

export const OllamaEmbedRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
  dimensions: z.int().min(1).nullish(),
});

export const OllamaShowRequest = z
  .looseObject({ model: z.string().optional(), name: z.string().optional() })
  .refine(({ model, name }) => model !== undefined || name !== undefined, { message: "model is missing" });
