import type { GenerateRequest } from "../engine/messages.ts";
import { schemaGrammar } from "../generate/grammar/schema-grammar.ts";
import type { ResponseFormat } from "../protocol/openai.ts";
import type { ChatPrompt } from "./chat-prompt.ts";

/** The grammar that a `response_format` asks for. @throws UserError where the schema says what no grammar can. */
export function formatGrammar(format: ResponseFormat | null | undefined): string | undefined {
  if (!format || format.type === "text") return undefined;
  return schemaGrammar(format.type === "json_object" ? { type: "object" } : format.json_schema.schema);
}

/** A grammar for what follows a prompt and the thoughts that may come first. */
export function grammarFor(
  text: string | undefined,
  { inThoughts, mayThink }: Pick<ChatPrompt, "inThoughts" | "mayThink">,
): GenerateRequest["grammar"] {
  if (text === undefined) return undefined;
  return { text, ...(inThoughts ? { thoughts: "inside" } : mayThink && { thoughts: "possible" }) };
}
