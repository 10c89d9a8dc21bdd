import { z } from "zod";
import { say } from "./language.ts";
import { ReasoningEffort, RequestMessage, Tool } from "./openai.ts";
import { unsupported } from "./unsupported.ts";

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
  /** 0: no penalty of repetition; -1: as far back as the model sees. */
  repeat_last_n: z.int().min(-1).nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
});
export type Options = z.infer<typeof Options>;

/** "json", or the schema of the answer. */
const Format = z.union([z.enum(["json", ""]), z.record(z.string(), z.unknown())]).nullish();
export type Format = z.infer<typeof Format>;

const shared = {
  model: z.string(),
  stream: z.boolean().nullish(),
  options: Options.nullish(),
  think: z.union([z.boolean(), ReasoningEffort]).nullish(),
  format: Format,
};

/** What only models of pictures could answer. */
const noImages = z
  .array(z.unknown())
  .max(0, { error: () => say("server/no-images", { type: "images" }) })
  .nullish();

export const OllamaGenerateRequest = z.looseObject({
  ...shared,
  prompt: z.string().default(""),
  system: z.string().nullish(),
  /** The prompt is given to the model as it is. */
  raw: z.boolean().nullish(),
  images: noImages,
  suffix: z.literal("", unsupported('""')).nullish(),
  template: z.literal("", unsupported('""')).nullish(),
  context: z.array(z.unknown()).max(0, unsupported("[]")).nullish(),
});
export type OllamaGenerateRequest = z.infer<typeof OllamaGenerateRequest>;

const Message = z.looseObject({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.string().default(""),
  images: noImages,
  tool_calls: RequestMessage.shape.tool_calls,
  /** Of a result: the tool that it came from. */
  tool_name: z.string().nullish(),
});

export const OllamaChatRequest = z.looseObject({
  ...shared,
  messages: z.array(Message).default([]),
  tools: z.array(Tool).nullish(),
});
export type OllamaChatRequest = z.infer<typeof OllamaChatRequest>;

export const OllamaEmbedRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
  dimensions: z.int().min(1).nullish(),
});
export type OllamaEmbedRequest = z.infer<typeof OllamaEmbedRequest>;

export const OllamaShowRequest = z
  .looseObject({ model: z.string().optional(), name: z.string().optional() })
  .refine(({ model, name }) => model !== undefined || name !== undefined, { message: "model is missing" });
export type OllamaShowRequest = z.infer<typeof OllamaShowRequest>;

/** What is told when a request fails. */
export const OllamaError = z.object({ error: z.string() });
