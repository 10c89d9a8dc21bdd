import { say } from "./language.ts";

/** A schema's words for a value that is not among the possible ones, which are few because this server can do no more. */
export function unsupported(...possible: string[]): { error: (issue: { input?: unknown }) => string } {
  return { error: ({ input }) => say("server/unsupported", { value: written(input), possible }) };
}

/** The same for objects that a `type` tells apart. */
export function unsupportedType(...possible: string[]): ReturnType<typeof unsupported> {
  const typeOf = (input: unknown) =>
    typeof input === "object" && input !== null && "type" in input ? input.type : input;
  return { error: ({ input }) => unsupported(...possible).error({ input: typeOf(input) }) };
}

function written(input: unknown): string {
  return typeof input === "string" && input !== "" ? input : (JSON.stringify(input) ?? "undefined").slice(0, 80);
}
