import { z } from "zod";
import { type SchemaObject, typesOf } from "./json-schema.ts";

/** Whether no value can be valid under two of these, as far as their types and constants tell. */
export function areDisjoint(schemas: readonly SchemaObject[]): boolean {
  return schemas.every((a, i) => schemas.slice(i + 1).every((b) => differ(a, b)));
}

function differ(a: SchemaObject, b: SchemaObject): boolean {
  const [own, others] = [constantsOf(a), constantsOf(b)];
  if (own && others) return own.every((value) => !others.includes(value));
  const [types, otherTypes] = [kindsOf(a), kindsOf(b)];
  if (types && otherTypes && types.every((type) => !otherTypes.includes(type))) return true;
  return (a.required ?? []).some((name) => {
    if (!b.required?.includes(name)) return false;
    const [mine, theirs] = [a, b].map((each) => constantsOf(each.properties?.[name]));
    return mine !== undefined && theirs !== undefined && mine.every((value) => !theirs.includes(value));
  });
}

const Constants = z.looseObject({ const: z.unknown().optional(), enum: z.array(z.unknown()).optional() });

function constantsOf(schema: unknown): string[] | undefined {
  const { data } = Constants.safeParse(schema);
  if (data?.const !== undefined) return [JSON.stringify(data.const)];
  return data?.enum?.map((value) => JSON.stringify(value));
}

function kindsOf(schema: SchemaObject): string[] | undefined {
  const constants = schema.const !== undefined ? [schema.const] : schema.enum;
  if (constants)
    return constants.map((value) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value));
  return typesOf(schema)?.map((type) => (type === "integer" ? "number" : type));
}
