import { z } from "zod";
import { ToolName } from "./openai.ts";

// Requests of Anthropic's Messages API, as far as a model of text can answer them.

const TextBlock = z.looseObject({ type: z.literal("text"), text: z.string() });

const Block = z.union([
  TextBlock,
  z.looseObject({ type: z.literal("thinking"), thinking: z.string() }),
  z.looseObject({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown() }),
  z.looseObject({
    type: z.literal("tool_result"),
    tool_use_id: z.string(),
    content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish(),
  }),
  z.looseObject({ type: z.string() }),
]);
export type Block = z.infer<typeof Block>;

/** What the prompt is made of. */
const Conversation = z.looseObject({
  model: z.string(),
  messages: z
    .array(
      z.looseObject({
        /** Claude Code puts instructions between messages too. */
        role: z.enum(["user", "assistant", "system"]),
        content: z.union([z.string(), z.array(Block)]),
      }),
    )
    .min(1),
  system: z.union([z.string(), z.array(TextBlock)]).nullish(),
  thinking: z.looseObject({ type: z.string() }).nullish(),
  tools: z
    .array(
      z.looseObject({
        name: ToolName,
        description: z.string().nullish(),
        input_schema: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .nullish(),
  tool_choice: z
    .looseObject({
      type: z.enum(["auto", "any", "tool", "none"]),
      name: z.string().optional(),
      disable_parallel_tool_use: z.boolean().nullish(),
    })
    .nullish(),
});

export const MessagesRequest = Conversation.extend({
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  output_config: z
    .looseObject({
      format: z.looseObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }).nullish(),
    })
    .nullish(),
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;

export const CountTokensRequest = Conversation;
export type CountTokensRequest = z.infer<typeof CountTokensRequest>;
