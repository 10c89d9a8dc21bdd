import { z } from "zod";
import { UserError } from "../../protocol/user-error.ts";

// The part of JSON Schema (2020-12 and draft 7) that a grammar can say.

const count = z.int().min(0).optional();
const Record = z.record(z.string(), z.unknown());
export const TypeName = z.enum(["object", "array", "string", "number", "integer", "boolean", "null"]);
export type TypeName = z.infer<typeof TypeName>;

export const SchemaObject = z.looseObject({
  type: z.union([TypeName, z.array(TypeName).min(1)]).optional(),
  enum: z.array(z.unknown()).min(1).optional(),
  const: z.unknown().optional(),
  $ref: z.string().optional(),
  anyOf: z.array(z.unknown()).min(1).optional(),
  oneOf: z.array(z.unknown()).min(1).optional(),
  allOf: z.array(z.unknown()).min(1).optional(),
  properties: Record.optional(),
  required: z.array(z.string()).optional(),
  additionalProperties: z.unknown().optional(),
  minProperties: count,
  maxProperties: count,
  prefixItems: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  additionalItems: z.unknown().optional(),
  minItems: count,
  maxItems: count,
  minLength: count,
  maxLength: count,
  pattern: z.string().optional(),
  format: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
});
export type SchemaObject = z.infer<typeof SchemaObject>;

/** Words that say something of a value, but not to a grammar. */
const unsupported = [
  "not",
  "if",
  "then",
  "else",
  "contains",
  "minContains",
  "maxContains",
  "uniqueItems",
  "multipleOf",
  "patternProperties",
  "propertyNames",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "unevaluatedItems",
  "$dynamicRef",
  "$recursiveRef",
  "contentSchema",
] as const;

export interface SchemaOptions {
  /** What a grammar cannot say is left out instead of refused. */
  isLenient?: boolean;
}

/** Words by the type of value that they speak of. */
const typeOfWord: { [word: string]: TypeName } = {
  properties: "object",
  required: "object",
  additionalProperties: "object",
  minProperties: "object",
  maxProperties: "object",
  prefixItems: "array",
  items: "array",
  minItems: "array",
  maxItems: "array",
  minLength: "string",
  maxLength: "string",
  pattern: "string",
  format: "string",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
};

/** A schema that is no `true` or `false`, checked. @throws UserError where it says what a grammar cannot. */
export function readSchema(schema: unknown, path: string, { isLenient = false }: SchemaOptions): SchemaObject {
  const parsed = SchemaObject.safeParse(schema);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UserError("grammar/invalid", {
      path: [path, ...(issue?.path ?? [])].join("/"),
      reason: `${issue?.message}`,
    });
  }
  const found = unsupported.find((word) => parsed.data[word] !== undefined && parsed.data[word] !== false);
  if (found !== undefined && !isLenient) throw new UserError("grammar/unsupported", { keyword: found, path });
  return parsed.data;
}

/** The types that a schema allows; one that names none means those that it says something of. */
export function typesOf(schema: SchemaObject): TypeName[] | undefined {
  if (schema.type !== undefined) return typeof schema.type === "string" ? [schema.type] : schema.type;
  const spoken = Object.keys(schema).flatMap((word) => typeOfWord[word] ?? []);
  return spoken.length > 0 ? [...new Set(spoken)] : undefined;
}

/** What a `$ref` points to, within the document. */
export function resolveReference(root: unknown, reference: string, path: string): unknown {
  if (reference !== "#" && !reference.startsWith("#/")) {
    throw new UserError("grammar/unsupported", { keyword: `$ref ${reference}`, path });
  }
  let found = root;
  for (const part of reference.split("/").slice(1)) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    const record = Record.safeParse(found);
    const list = z.array(z.unknown()).safeParse(found);
    found = list.success ? list.data[Number(name)] : record.data?.[name];
  }
  if (found === undefined) throw new UserError("grammar/invalid", { path, reason: `$ref ${reference} points nowhere` });
  return found;
}

/** Words that say nothing of a value. */
const annotations = new Set(["title", "description", "default", "examples", "$defs", "definitions", "$schema", "$id"]);

/** A schema for what both allow. @throws UserError where no single schema says so. */
export function merged(a: SchemaObject, b: SchemaObject, path: string): SchemaObject {
  const both: Record<string, unknown> = { ...a };
  for (const [word, value] of Object.entries(b)) {
    const own = both[word];
    both[word] = own === undefined || annotations.has(word) ? value : mergedWord(word, own, value, path);
  }
  const [closed, other] = a.additionalProperties !== undefined ? [a, b] : [b, a];
  const isOpen = closed.additionalProperties === undefined || closed.additionalProperties === true;
  const strange = Object.keys(other.properties ?? {}).some((name) => closed.properties?.[name] === undefined);
  if (!isOpen && strange) throw new UserError("grammar/unsupported", { keyword: "allOf … additionalProperties", path });
  return readSchema(both, path, { isLenient: true });
}

function mergedWord(word: string, a: unknown, b: unknown, path: string): unknown {
  if (JSON.stringify(a) === JSON.stringify(b)) return a;
  const [x, y] = [z.number().safeParse(a), z.number().safeParse(b)];
  if (x.success && y.success && /^(min|exclusiveMin)/.test(word)) return Math.max(x.data, y.data);
  if (x.success && y.success && /^(max|exclusiveMax)/.test(word)) return Math.min(x.data, y.data);
  const [list, other] = [z.array(z.unknown()).safeParse(a), z.array(z.unknown()).safeParse(b)];
  if (word === "required") return [...new Set([...(list.data ?? []), ...(other.data ?? [])])];
  if (word === "enum") {
    const texts = new Set(other.data?.map((each) => JSON.stringify(each)));
    return list.data?.filter((each) => texts.has(JSON.stringify(each)));
  }
  if (word === "properties") {
    const [own, more] = [Record.parse(a), Record.parse(b)];
    const shared = Object.keys(own).filter((name) => name in more);
    return { ...own, ...more, ...Object.fromEntries(shared.map((name) => [name, { allOf: [own[name], more[name]] }])) };
  }
  if (word === "anyOf" || word === "oneOf")
    throw new UserError("grammar/unsupported", { keyword: `allOf … ${word}`, path });
  if (word === "type") return [a].flat().filter((each) => [b].flat().includes(each));
  throw new UserError("grammar/unsupported", { keyword: `allOf … ${word}`, path });
}
