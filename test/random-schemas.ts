import type { Random } from "./random.ts";

type Schema = Record<string, unknown>;

/** A JSON schema at random, with every word that a grammar can say; its values take some dozen tokens. */
export function randomSchema(random: Random): Schema {
  const { integer, pick } = random;
  const definitions: Record<string, Schema> = {};
  const schema = random.chance(0.8) ? object(random, 3, definitions) : any(random, 3, definitions);
  if (random.chance(0.2)) {
    const list = {
      type: "object",
      properties: { value: any(random, 0, {}), next: nullable({ $ref: "#/$defs/list" }) },
    };
    definitions.list = { ...list, required: pick([["value"], ["value", "next"]]), title: `list ${integer(0, 9)}` };
  }
  return Object.keys(definitions).length > 0 ? { ...schema, $defs: definitions } : schema;
}

function any(random: Random, depth: number, definitions: Record<string, Schema>): Schema {
  const { chance, integer, pick } = random;
  if (depth > 0 && chance(0.5)) return pick([object, array, union])(random, depth - 1, definitions);
  if (chance(0.15)) {
    const name = pick(["color", "size"]);
    definitions[name] ??= {
      enum: [
        ["red", "green"],
        [1, 2.5, null],
        ["红", "绿", 'a "quoted" one'],
      ][integer(0, 2)],
    };
    return { $ref: `#/$defs/${name}` };
  }
  return pick([text, number, whole, () => ({ type: "boolean" }), constant, pattern])(random);
}

function object(random: Random, depth: number, definitions: Record<string, Schema>): Schema {
  const { chance, integer, pick, some } = random;
  const names = some(["name", "age", "名字", "tags", "is valid", "a-b", "x", "xy"], integer(1, 5));
  const properties = Object.fromEntries(names.map((name) => [name, any(random, depth - 1, definitions)]));
  return {
    type: "object",
    properties,
    ...(chance(0.8) && { required: names.filter(() => chance(0.7)) }),
    ...(chance(0.3) && {
      additionalProperties: pick([false, { type: "integer", minimum: 0, maximum: 9 }]),
      maxProperties: names.length + 2,
    }),
    ...(chance(0.1) && { minProperties: 1 }),
    ...(chance(0.2) && { description: "Some object" }),
  };
}

function array(random: Random, depth: number, definitions: Record<string, Schema>): Schema {
  const { chance, integer } = random;
  const least = integer(0, 2);
  const items = any(random, depth - 1, definitions);
  if (chance(0.2))
    return { type: "array", prefixItems: [items, { type: "null" }], items: chance(0.5) ? false : items, maxItems: 3 };
  return { type: "array", items, minItems: least, maxItems: least + integer(0, 2) };
}

function union(random: Random, depth: number, definitions: Record<string, Schema>): Schema {
  const first = any(random, depth - 1, definitions);
  return { anyOf: [first, random.chance(0.5) ? { type: "null" } : any(random, depth - 1, definitions)] };
}

function nullable(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

function text({ chance, integer }: Random): Schema {
  const minLength = integer(0, 3);
  return {
    type: chance(0.2) ? ["string", "null"] : "string",
    ...(chance(0.5) && { minLength }),
    maxLength: minLength + integer(0, 12),
  };
}

function number({ chance, integer, pick }: Random): Schema {
  const minimum = pick([0, -1.5, integer(-50, 50), 0.25]);
  const maximum = minimum + pick([0.5, 1, 37.75, 1000]);
  return pick<Schema>([
    { type: "number" },
    { type: "number", minimum },
    { type: "number", minimum, maximum },
    chance(0.5)
      ? { type: "number", exclusiveMinimum: minimum }
      : { type: "number", exclusiveMaximum: maximum, minimum },
  ]);
}

function whole({ integer, pick }: Random): Schema {
  const minimum = integer(-200, 200);
  return pick<Schema>([
    { type: "integer" },
    { type: "integer", minimum, maximum: minimum + integer(0, 500) },
    { type: "integer", exclusiveMaximum: minimum },
    { type: "integer", minimum },
  ]);
}

function constant({ pick }: Random): Schema {
  return pick<Schema>([
    { const: "fixed" },
    { const: { a: [1, true] } },
    { enum: ["a", "b c", "ü"] },
    { type: "string", enum: ["yes", "no"] },
  ]);
}

function pattern({ pick }: Random): Schema {
  return pick<Schema>([
    { type: "string", pattern: "^[A-Z]{2}-\\d{1,3}$" },
    { type: "string", pattern: "^(foo|bar)?\\.[^,]$" },
    { type: "string", format: "date-time" },
    { type: "string", format: "uuid" },
    { type: "string", format: "ipv4" },
  ]);
}
