import { UserError } from "../protocol/user-error.ts";
import type { Api } from "./endpoint.ts";
import type { Prompt } from "./random-prompts.ts";

/** What all requests of a run ask for. */
export interface RequestShape {
  api: Api;
  model: string;
  stream: boolean;
  maxTokens: number;
  minTokens?: number | undefined;
  temperature?: number | undefined;
  /** Further fields; they replace ours of the same name. */
  extra: Record<string, unknown>;
}

/** The body of a request, as JSON. */
export function requestBody(shape: RequestShape, prompt: Prompt): string {
  return JSON.stringify({
    model: shape.model,
    ...(shape.api === "chat" ? { messages: messagesOf(prompt) } : { prompt: textOf(prompt) }),
    max_tokens: shape.maxTokens,
    min_tokens: shape.minTokens,
    temperature: shape.temperature,
    ...(shape.stream && { stream: true, stream_options: { include_usage: true } }),
    ...shape.extra,
  });
}

function messagesOf({ messages, text }: Prompt): readonly unknown[] {
  return messages ?? [{ role: "user", content: text ?? "" }];
}

function textOf({ text }: Prompt): string {
  if (text === undefined) throw new UserError("bench/needs-chat", {});
  return text;
}
