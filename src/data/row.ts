import { z } from "zod";
import { say } from "../protocol/language.ts";
import { ChatMessage } from "../tokenizer/messages.ts";

/** The columns that rows are read from, under the names of mlx-lm's configuration. */
export interface Features {
  prompt_feature: string;
  completion_feature: string;
  chat_feature: string;
  text_feature: string;
}

export const defaultFeatures: Features = {
  prompt_feature: "prompt",
  completion_feature: "completion",
  chat_feature: "messages",
  text_feature: "text",
};

export type Form = "completions" | "chat" | "text";

/** Where a row stands, for messages about it. */
export interface Place {
  file: string;
  /** Counted from 1. */
  line: number;
}

export interface TextRow extends Place {
  form: "text";
  text: string;
}

/** A conversation; a prompt with its completion is one of two messages. */
export interface ChatRow extends Place {
  form: "completions" | "chat";
  messages: ChatMessage[];
  tools: unknown[] | undefined;
}

export type Row = TextRow | ChatRow;

const Tools = z.array(z.unknown()).nullish();
const Message = ChatMessage.refine(
  (message) => typeof message.content === "string" || Array.isArray(message.content) || message.tool_calls,
  { path: ["content"] },
);

/** The form of a row, asked in mlx-lm's order; undefined where no known column is there. */
export function formOf(value: Record<string, unknown>, features: Features): Form | undefined {
  if (features.prompt_feature in value && features.completion_feature in value) return "completions";
  if (features.chat_feature in value) return "chat";
  return features.text_feature in value ? "text" : undefined;
}

/** The row that `value` is, or what is wrong with it, in words. */
export function parseRow(value: unknown, form: Form, features: Features, place: Place): Row | string {
  if (!isObject(value)) return say("data/problem-not-an-object", {});
  const own = formOf(value, features);
  if (own !== form) {
    return say("data/problem-other-form", { expected: formName(form, features), got: own && formName(own, features) });
  }
  const { prompt_feature: prompt, completion_feature: completion, chat_feature: chat, text_feature: text } = features;
  if (form === "text") {
    const row = z.object({ [text]: z.string() }).safeParse(value);
    return row.success ? { ...place, form, text: row.data[text] ?? "" } : problemOf(row.error);
  }
  if (form === "chat") {
    const row = z
      .object({ messages: z.array(Message).min(1), tools: Tools })
      .safeParse({ ...value, messages: value[chat] });
    if (!row.success) return problemOf(row.error);
    return { ...place, form, messages: row.data.messages, tools: row.data.tools ?? undefined };
  }
  const row = z.object({ [prompt]: z.string(), [completion]: z.string() }).safeParse(value);
  const tools = Tools.safeParse(value.tools);
  if (!row.success) return problemOf(row.error);
  if (!tools.success) return problemOf(tools.error);
  const messages = [
    { role: "user", content: row.data[prompt] },
    { role: "assistant", content: row.data[completion] },
  ];
  return { ...place, form, messages, tools: tools.data ?? undefined };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function formName(form: Form, features: Features): string {
  if (form === "completions") return `${features.prompt_feature}/${features.completion_feature}`;
  return form === "chat" ? features.chat_feature : features.text_feature;
}

function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  const path = (issue?.path ?? []).reduce<string>(
    (whole, key) => (typeof key === "number" ? `${whole}[${key}]` : `${whole}${whole && "."}${String(key)}`),
    "",
  );
  if (issue?.code === "too_small") return say("data/problem-empty", { path });
  const expected = issue?.code === "invalid_type" ? issue.expected : "string";
  return say("data/problem-wrong-type", { path, expected });
}
