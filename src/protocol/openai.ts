import { z } from "zod";

// Requests of the OpenAI API, with the fields that mlx-lm's and vLLM's servers add. What clients send beside these (user, metadata …)
// says nothing about the answer.

const fraction = z.number().min(0).max(1);
const flag = z.boolean().nullish();

/** How an answer is chosen: fields that all kinds of requests share. */
export const AnswerFields = z.looseObject({
  model: z.string().nullish(),
  /** mlx-lm: the folder or name of an adapter. */
  adapters: z.string().nullish(),
  stream: flag,
  stream_options: z.looseObject({ include_usage: flag }).nullish(),
  n: z.int().min(1).max(128).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  seed: z.int().nullish(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: fraction.nullish(),
  top_k: z.int().min(-1).nullish(),
  min_p: fraction.nullish(),
  repetition_penalty: z.number().positive().nullish(),
  repetition_context_size: z.int().min(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  presence_context_size: z.int().min(1).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  frequency_context_size: z.int().min(1).nullish(),
  xtc_probability: fraction.nullish(),
  xtc_threshold: z.number().min(0).max(0.5).nullish(),
  logit_bias: z.record(z.string().regex(/^\d+$/), z.number()).nullish(),
  max_tokens: z.int().min(0).nullish(),
  min_tokens: z.int().min(0).nullish(),
  ignore_eos: flag,
});
export type AnswerFields = z.infer<typeof AnswerFields>;

export const ResponseFormat = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    json_schema: z.looseObject({ name: z.string().optional(), schema: z.record(z.string(), z.unknown()) }),
  }),
]);
export type ResponseFormat = z.infer<typeof ResponseFormat>;

/** Without what any family's form of calls writes around it. */
export const ToolName = z.string().regex(/^[^\s"'`<>()[\]{}\\]{1,128}$/);

export const Tool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: ToolName,
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: flag,
  }),
});
export type Tool = z.infer<typeof Tool>;

export const ToolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string() }) }),
]);
export type ToolChoice = z.infer<typeof ToolChoice>;

const RequestMessage = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]).optional(),
  tool_calls: z
    .array(z.looseObject({ function: z.looseObject({ name: z.string(), arguments: z.unknown() }).optional() }))
    .nullish(),
});

export const ChatRequest = AnswerFields.extend({
  messages: z.array(RequestMessage).min(1),
  max_completion_tokens: z.int().min(0).nullish(),
  logprobs: flag,
  top_logprobs: z.int().min(0).max(20).nullish(),
  response_format: ResponseFormat.nullish(),
  tools: z.array(Tool).nullish(),
  tool_choice: ToolChoice.nullish(),
  parallel_tool_calls: flag,
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
  enable_thinking: flag,
  /** mlx-lm: what stands before each role's text where the model has no template. */
  role_mapping: z.record(z.string(), z.string()).nullish(),
  /** vLLM: the last message is continued. */
  continue_final_message: flag,
  add_generation_prompt: flag,
});
export type ChatRequest = z.infer<typeof ChatRequest>;

const ids = z.array(z.int().min(0));

export const CompletionRequest = AnswerFields.extend({
  prompt: z.union([z.string(), z.array(z.string()), ids, z.array(ids)]),
  echo: flag,
  logprobs: z.union([z.boolean(), z.int().min(0).max(20)]).nullish(),
  response_format: ResponseFormat.nullish(),
});
export type CompletionRequest = z.infer<typeof CompletionRequest>;

export const EmbeddingRequest = z.looseObject({
  model: z.string().nullish(),
  input: z.union([z.string(), z.array(z.string()), ids, z.array(ids)]),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).nullish(),
});
export type EmbeddingRequest = z.infer<typeof EmbeddingRequest>;
