import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { z } from "zod";
import { readJsonFile } from "../../core/text-file.ts";
import { say } from "../../protocol/language.ts";
import { nearest } from "../../protocol/nearest.ts";
import { UserError } from "../../protocol/user-error.ts";
import { chrF } from "./chrf.ts";
import { rougeL } from "./rouge-l.ts";

/** How good an answer is, 0 to 1. */
export interface Score {
  /** As it is asked for. */
  name: string;
  needsReference: boolean;
  of(answer: string, reference: string): number;
}

/** What `--score` asks for. */
export interface WantedScores {
  scores: Score[];
  judge: boolean;
}

const plain: readonly Score[] = [
  { name: "rouge-l", needsReference: true, of: rougeL },
  { name: "chrf", needsReference: true, of: chrF },
  { name: "exact", needsReference: true, of: (answer, reference) => Number(spelled(answer) === spelled(reference)) },
  {
    name: "contains",
    needsReference: true,
    of: (answer, reference) => Number(spelled(answer).toLowerCase().includes(spelled(reference).toLowerCase())),
  },
];
/** Scores that take a value. */
const settings: Readonly<Record<string, (value: string) => Score["of"]>> = {
  contains: (text) => (answer) => Number(spelled(answer).toLowerCase().includes(spelled(text).toLowerCase())),
  regex: (pattern) => {
    const expression = expressionOf(pattern);
    return (answer) => Number(expression.test(answer));
  },
  "json-schema": (path) => {
    const isValid = schemaIn(path);
    return (answer) => Number(isValid(answer));
  },
};
export const scoreNames = [
  ...plain.map(({ name }) => name),
  "contains=TEXT",
  "regex=PATTERN",
  "json-schema=FILE",
  "judge",
];

/** Where there are references. */
export const usualScores: readonly Score[] = plain.filter(({ name }) => name !== "contains");

/**
 * Scores by name, several with commas between them. What follows `regex=` or `contains=` is one value, commas and all.
 * @throws UserError for a name that there is not, a pattern or a schema that cannot be read
 */
export function parseScores(texts: readonly string[]): WantedScores {
  const names = [...new Set(texts.flatMap(namesIn))];
  return { scores: names.filter((name) => name !== "judge").map(scoreOf), judge: names.includes("judge") };
}

function namesIn(text: string): string[] {
  const value = text.search(/\b(regex|contains)=/);
  const [list, rest] = value < 0 ? [text, ""] : [text.slice(0, value), text.slice(value)];
  const names = list.split(",").map((name) => name.trim());
  return [...names, rest].filter((name) => name !== "");
}

function scoreOf(name: string): Score {
  const [kind = "", value] = name.split(/=(.*)/s);
  const known = plain.find((each) => each.name === name);
  if (known) return known;
  const make = value !== undefined && Object.hasOwn(settings, kind) ? settings[kind] : undefined;
  if (make && value) return { name, needsReference: false, of: make(value) };
  const possible = scoreNames.map((each) => each.split("=")[0] ?? "");
  throw new UserError("compare/unknown-score", { name, nearest: nearest(kind, possible), known: scoreNames });
}

/** Without blanks at both ends, and each character in one spelling. */
function spelled(text: string): string {
  return text.trim().normalize("NFC");
}

function expressionOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "u");
  } catch (error) {
    throw new UserError("compare/bad-regex", {
      pattern,
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}

const Schema = z.looseObject({ $schema: z.string().optional() });

/** Whether an answer is JSON of a schema (draft 2020-12, or 7 where it says so; its format words are not checked). */
function schemaIn(path: string): (answer: string) => boolean {
  const validate = compiled(readJsonFile(path), path);
  return (answer) => {
    try {
      return validate(JSON.parse(answer)) === true;
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  };
}

function compiled(schema: unknown, path: string): ValidateFunction {
  const parsed = Schema.safeParse(schema);
  if (!parsed.success)
    throw new UserError("compare/bad-schema", { path, reason: say("data/problem-not-an-object", {}) });
  const { $schema = "", ...rules } = parsed.data;
  const options = { strict: false, validateFormats: false, logger: false } as const;
  const isOld = /draft-0\d/.test($schema);
  try {
    return isOld ? new Ajv(options).compile(rules) : new Ajv2020(options).compile(rules);
  } catch (error) {
    throw new UserError("compare/bad-schema", { path, reason: error instanceof Error ? error.message : String(error) });
  }
}
