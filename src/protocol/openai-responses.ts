import { z } from "zod";
import { AnswerFields, ReasoningEffort, ToolName } from "./openai.ts";
import { unsupported, unsupportedType } from "./unsupported.ts";

// Requests of OpenAI's Responses API, as far as a model of text on one machine can answer them; the rest is refused by name.

const flag = z.boolean().nullish();

const Content = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]);
const Texts = z.array(z.looseObject({ type: z.string(), text: z.string() })).nullish();

/** A part of a conversation: what somebody said, or a call of a tool, or what came of it, or thoughts. */
export const ConversationItem = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("message").optional(),
    role: z.enum(["user", "assistant", "system", "developer"]),
    content: Content,
  }),
  z.looseObject({
    type: z.literal("function_call"),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
  }),
  z.looseObject({ type: z.literal("function_call_output"), call_id: z.string(), output: Content }),
  z.looseObject({ type: z.literal("reasoning"), content: Texts, summary: Texts }),
]);
export type ConversationItem = z.infer<typeof ConversationItem>;

/** A conversation's item, or the name of one that an earlier response had. */
const InputItem = z.discriminatedUnion(
  "type",
  [...ConversationItem.options, z.looseObject({ type: z.literal("item_reference"), id: z.string() })],
  unsupportedType("message", "function_call", "function_call_output", "reasoning", "item_reference"),
);

const FunctionTool = z.looseObject({
  type: z.literal("function", unsupported("function")),
  name: ToolName,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: flag,
});

const FunctionChoice = z.looseObject({
  type: z.literal("function", unsupported("none", "auto", "required", "function")),
  name: z.string(),
});

const TextFormat = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    name: z.string().optional(),
    schema: z.record(z.string(), z.unknown()),
  }),
]);

export const ResponsesRequest = AnswerFields.omit({ n: true, max_tokens: true, stream_options: true }).extend({
  input: z.union([z.string(), z.array(InputItem)]),
  instructions: z.string().nullish(),
  /** What the input goes on from. */
  previous_response_id: z.string().nullish(),
  store: flag,
  max_output_tokens: z.int().min(0).nullish(),
  text: z.looseObject({ format: TextFormat.nullish() }).nullish(),
  tools: z.array(FunctionTool).nullish(),
  tool_choice: z.union([z.enum(["none", "auto", "required"]), FunctionChoice]).nullish(),
  parallel_tool_calls: flag,
  reasoning: z.looseObject({ effort: ReasoningEffort.nullish() }).nullish(),
  include: z.array(z.string()).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  truncation: z.literal("disabled", unsupported("disabled")).nullish(),
  background: z.literal(false, unsupported("false")).nullish(),
  conversation: z.null(unsupported("previous_response_id")).optional(),
  prompt: z.null(unsupported("input", "instructions")).optional(),
});
export type ResponsesRequest = z.infer<typeof ResponsesRequest>;
