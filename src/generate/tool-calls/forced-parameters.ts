import { z } from "zod";
import { anyOf, empty, literal, repeated, sequence } from "../grammar/ebnf.ts";
import { prefixed } from "../grammar/prefixed-rules.ts";
import { type Grammar, schemaGrammar } from "../grammar/schema-grammar.ts";

const Parameters = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  $defs: z.unknown().optional(),
  definitions: z.unknown().optional(),
});
const Text = z.looseObject({ type: z.literal("string"), enum: z.undefined(), const: z.undefined() });
const Words = z.looseObject({ enum: z.array(z.string()).min(1) });

/** A text in Qwen3-Coder's form ends where its mark begins, so a mark cannot be part of it. */
const plainText = repeated("[^<]", 0);

/** Parameters one by one, in their order, as the forms without one JSON object have them. */
export function parameterRules(format: "qwen coder" | "pythonic", schema: unknown): Grammar {
  const { properties = {}, required = [], $defs, definitions } = Parameters.parse(schema ?? {});
  const rules: string[] = [];
  const parts = Object.entries(properties).map(([name, value], i) => {
    const isPlain = format === "qwen coder";
    const words = isPlain ? Words.safeParse(value).data?.enum : undefined;
    const text = words ? anyOf(words.map(literal)) : isPlain && Text.safeParse(value).success ? plainText : undefined;
    const whole = typeof value === "object" ? { ...value, $defs, definitions } : value;
    if (text === undefined) rules.push(prefixed(schemaGrammar(withoutUndefined(whole), { isLenient: true }), `p${i}_`));
    const content = text ?? `p${i}_root`;
    const written =
      format === "pythonic"
        ? sequence(literal(`${name}=`), content)
        : sequence(literal(`<parameter=${name}>\n`), content, literal("\n</parameter>\n"));
    return { written, isRequired: required.includes(name) };
  });
  const between = format === "pythonic" ? literal(", ") : empty;
  return [`root ::= ${list(parts, between, rules)}`, ...rules].join("\n");
}

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** From the last part back: what follows when some stand before, and what follows when none does. */
function list(parts: readonly { written: string; isRequired: boolean }[], between: string, rules: string[]): string {
  let [first, after] = [empty, empty];
  for (const [i, { written, isRequired }] of [...parts.entries()].toReversed()) {
    const own = sequence(written, after);
    const name = `rest_${i}`;
    const next = sequence(between, own);
    first = isRequired ? own : anyOf([own, first]);
    rules.push(`${name} ::= ${isRequired ? next : anyOf([next, after])}`);
    after = name;
  }
  return first;
}
