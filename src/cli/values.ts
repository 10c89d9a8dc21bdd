import { z } from "zod";
import { expectation, type Field } from "../protocol/fields.ts";
import { say } from "../protocol/language.ts";
import { UserError } from "../protocol/user-error.ts";

/** Values by field key: only what was given, converted to the field's kind where the text allows it. */
export type Given = Record<string, unknown>;

/** The flag of a field. */
export function flagOf(key: string): string {
  return `--${key.replaceAll("_", "-")}`;
}

/** The config for what was given, or one error that names every wrong value. */
export function parseValues<Schema extends z.ZodObject>(
  command: string,
  schema: Schema,
  fields: readonly Field[],
  given: Given,
  positional: string | undefined,
): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map((issue) => String(issue.path[0])));
  const problems = fields
    .filter((field) => wrong.has(field.key))
    .map(({ key, description }) => {
      const flag = key === positional ? key.toUpperCase() : flagOf(key);
      if (given[key] === undefined) return say("cli/required", { flag, description, isModel: key === "model" });
      return say("cli/wrong-value", { flag, found: JSON.stringify(given[key]), expected: expectationOf(schema, key) });
    });
  throw new UserError("cli/wrong-values", { problems, command });
}

function expectationOf(schema: z.ZodObject, key: string): string {
  const field = schema.shape[key];
  return field ? expectation(field) : "";
}

/** A flag whose text is JSON that `schema` takes, such as `--logit-bias '{"42": -100}'`. */
export function jsonFlag<Schema extends z.ZodType>(schema: Schema) {
  const parse = (text: string, context: z.RefinementCtx) => {
    try {
      const value: unknown = JSON.parse(text);
      return value;
    } catch {
      context.addIssue({ code: "custom", message: say("expected/json", {}) });
      return z.NEVER;
    }
  };
  return z.string().transform(parse).pipe(schema);
}

const gigabytes = /^(\d+(?:\.\d+)?)\s*(?:g|gb|gib)?$/i;

/** A size such as `16GB`, in bytes. */
export function gigabytesFlag() {
  return z
    .string()
    .regex(gigabytes)
    .transform((text) => Number(gigabytes.exec(text)?.[1]) * 1e9);
}

/** The `expected` of such a flag. */
export const gigabytesExpected = { en: "a size such as 16GB", zh: "大小，例如 16GB" };
