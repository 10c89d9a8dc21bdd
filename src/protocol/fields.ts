import { z } from "zod";
import { getLanguage, say } from "./language.ts";
import type { Text } from "./messages/catalogue.ts";

// A config's schema is the one description of its fields: flags, help, error messages and forms are read off it here.

/** What help says of a field. */
export interface FieldText extends Text {
  /** Its one-letter flag. */
  short?: string;
  /** Another key of mlx-lm's for it. */
  alias?: string;
  /** What it takes, where the schema's own words would not do. */
  expected?: Text;
}

/** Field descriptions: `z.int().default(4).register(fieldText, { en, zh })`, last in the chain. */
export const fieldText = z.registry<FieldText>();

export type FieldKind = "boolean" | "number" | "text" | "list" | "nested";

export interface Field {
  /** Its spelling in files, in snake_case. */
  key: string;
  kind: FieldKind;
  /** Undefined when it has none. */
  default: unknown;
  required: boolean;
  description: string;
  short: string | undefined;
  alias: string | undefined;
  /** The values of a closed set, in order. */
  choices: readonly string[];
  /** It may be false beside what else it takes: `--no-x` does that. */
  canBeOff: boolean;
}

export function fieldsOf(schema: z.ZodObject): Field[] {
  return Object.entries(schema.shape).map(([key, field]) => {
    const text = field instanceof z.ZodType ? fieldText.get(field) : undefined;
    const base = baseOf(field);
    return {
      key,
      kind: kindOf(base),
      default: field instanceof z.ZodDefault ? field.def.defaultValue : undefined,
      required: !z.safeParse(field, undefined).success,
      description: text?.[getLanguage()] ?? "",
      short: text?.short,
      alias: text?.alias,
      choices: choicesOf(base),
      canBeOff: base instanceof z.ZodUnion && base.options.some(isFalse),
    };
  });
}

/** The schema under its default, optional, nullable and transforming wrappers. */
export function baseOf(schema: z.core.$ZodType): z.core.$ZodType {
  let base = schema;
  for (;;) {
    if (base instanceof z.ZodDefault || base instanceof z.ZodOptional || base instanceof z.ZodNullable) {
      base = base.unwrap();
    } else if (base instanceof z.ZodPipe) {
      base = base.in;
    } else {
      return base;
    }
  }
}

function isFalse(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodLiteral && schema.values.has(false);
}

function choicesOf(base: z.core.$ZodType): string[] {
  if (base instanceof z.ZodEnum) return base.options.map(String);
  return base instanceof z.ZodLiteral ? [...base.values].map(String) : [];
}

function kindOf(base: z.core.$ZodType): FieldKind {
  if (base instanceof z.ZodBoolean) return "boolean";
  if (base instanceof z.ZodNumber) return "number";
  if (base instanceof z.ZodLiteral && [...base.values].every((value) => typeof value === "number")) return "number";
  if (base instanceof z.ZodArray || base instanceof z.ZodTuple) return "list";
  if (base instanceof z.ZodObject || base instanceof z.ZodRecord) return "nested";
  return "text";
}

/** What a schema takes, in words: "a whole number, at least 1". */
export function expectation(schema: z.core.$ZodType): string {
  const own = schema instanceof z.ZodType ? fieldText.get(schema)?.expected : undefined;
  if (own) return own[getLanguage()];
  const base = baseOf(schema);
  if (base instanceof z.ZodBoolean) return say("expected/boolean", {});
  if (base instanceof z.ZodNumber) return numberExpectation(base);
  if (choicesOf(base).length > 0) return say("expected/choice", { choices: choicesOf(base) });
  if (base instanceof z.ZodArray) return say("expected/list", { of: expectation(base.element) });
  if (base instanceof z.ZodTuple) return say("expected/numbers", { count: base.def.items.length });
  if (base instanceof z.ZodObject) return say("expected/mapping", { keys: Object.keys(base.shape) });
  if (base instanceof z.ZodUnion) {
    return say("expected/choice", { choices: base.options.map((option) => expectation(option)) });
  }
  return say("expected/text", {});
}

function numberExpectation(schema: z.ZodNumber): string {
  const bounded = (value: number | null) =>
    value === null || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
  const strict = schema.def.checks?.some(
    ({ _zod: { def } }) => "inclusive" in def && def.inclusive === false && def.check === "less_than",
  );
  const maximum = bounded(schema.maxValue);
  return say("expected/number", {
    whole: schema.isInt,
    minimum: bounded(schema.minValue),
    maximum: strict ? undefined : maximum,
    below: strict ? maximum : undefined,
  });
}
