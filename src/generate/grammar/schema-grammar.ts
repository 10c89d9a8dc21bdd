import { UserError } from "../../protocol/user-error.ts";
import { areDisjoint } from "./disjoint-schemas.ts";
import { anyOf, ascii, empty, literal, notAscii, optional, repeated, sequence } from "./ebnf.ts";
import {
  merged,
  readSchema,
  resolveReference,
  type SchemaObject,
  type SchemaOptions,
  type TypeName,
  typesOf,
} from "./json-schema.ts";
import { integerRange, numberRange } from "./number-range.ts";
import { formatPatterns, longestFormat } from "./string-format.ts";
import { jsonCharacter, jsonEscape, PatternError, type Ranges, stringPattern } from "./string-pattern.ts";

/** A grammar with the rule `root`, as EBNF. */
export type Grammar = string;

/** Longer grammars take seconds to compile, while all other texts wait. */
const mostCharacters = 300_000;

const mostDepth = 300;

const comma = literal(", ");
const colon = literal(": ");
const quote = literal('"');

/** What a key without escapes cannot have. */
const keyEnds: Ranges = [
  [0, 31],
  [34, 34],
  [92, 92],
];

/**
 * Characters that are counted by a rule each: 0.05 s of compiling for 150,000 tokens, and masks of 0.2 ms. More are a repetition,
 * which compiles at once, with masks of 10 to 200 ms.
 */
const longestChain = 16;

/**
 * One more character and the rest, or the end. A rule that goes on in itself, with what follows a text in JSON, lets nearly all
 * tokens be decided when it is compiled: without, a mask of 150,000 tokens takes 0.2 s.
 */
function textRule(rest: string, mayEnd: boolean): string {
  const parts = [...(mayEnd ? [quote] : []), `[^"\\\\\\x00-\\x1f] ${rest}`, `"\\\\" json_escape ${rest}`];
  return `(${parts.map((part) => `(${part})`).join(" | ")}) (=([,}\\]:]))`;
}

/** Of a key that the schema does not name. */
const mostKeyCharacters = 64;

const commonRules = [
  `json_value ::= json_object | json_array | json_string | json_number | ${anyOf(["true", "false", "null"].map(literal))}`,
  `json_object ::= "{" (json_key ${colon} json_value (${comma} json_key ${colon} json_value)*)? "}"`,
  `json_key ::= ${quote} json_character{0,${mostKeyCharacters}} ${quote}`,
  `json_array ::= "[" (json_value (${comma} json_value)*)? "]"`,
  `json_string ::= ${quote} json_text`,
  `json_text ::= ${textRule("json_text", true)}`,
  `json_escape ::= ${jsonEscape}`,
  `json_character ::= ${jsonCharacter}`,
  `json_number ::= ${numberRange({})}`,
].map((rule) => rule.replaceAll('"{"', literal("{")).replaceAll('"}"', literal("}")));

/**
 * JSON on one line, with a blank behind commas and colons, that is valid under a schema. Whatever the grammar writes is valid;
 * not all that is valid can be written: properties come in their order, and those that a closed list does not name come only
 * where `additionalProperties` asks for them.
 * @throws UserError where the schema says what a grammar cannot, or nothing can be valid.
 */
export function schemaGrammar(schema: unknown, options: SchemaOptions = {}): Grammar {
  const builder = new GrammarBuilder(schema, options);
  const root = builder.value(schema, "#");
  return [`root ::= ${root}`, ...commonRules, ...builder.rules].join("\n");
}

class GrammarBuilder {
  readonly #root: unknown;
  readonly #options: SchemaOptions;
  readonly rules: string[] = [];
  readonly #texts = new Set<string>();
  readonly #references = new Map<string, string>();
  #characters = 0;

  constructor(root: unknown, options: SchemaOptions) {
    this.#root = root;
    this.#options = options;
  }

  value(schema: unknown, path: string): string {
    if (schema === true || schema === undefined) return "json_value";
    if (schema === false) throw new UserError("grammar/invalid", { path, reason: "the schema is false" });
    if (path.split("/").length > mostDepth)
      throw new UserError("grammar/unsupported", { keyword: "$ref without end", path });
    const read = readSchema(schema, path, this.#options);
    if (read.$ref !== undefined && typesOf(read) === undefined && !read.allOf) return this.#reference(read.$ref, path);
    return this.#combined(this.#flat(read, path), path);
  }

  /** Without `$ref` and `allOf` of its own. */
  #flat(schema: SchemaObject, path: string, depth = 0): SchemaObject {
    const { $ref, allOf = [], ...own } = schema;
    if (depth > 32) throw new UserError("grammar/invalid", { path, reason: "allOf and $ref lead back to themselves" });
    const parts = [...allOf, ...($ref === undefined ? [] : [resolveReference(this.#root, $ref, path)])];
    const flat = parts
      .filter((part) => part !== true)
      .map((part) => this.#flat(readSchema(part, path, this.#options), path, depth + 1));
    return flat.reduce((all, part) => merged(all, part, path), readSchema(own, path, this.#options));
  }

  #combined(schema: SchemaObject, path: string): string {
    const { anyOf: any, oneOf, ...own } = schema;
    if (schema.const !== undefined || schema.enum) return this.#constants(schema, path);
    const alternatives = any ?? oneOf;
    if (!alternatives) return this.#typed(schema, path);
    if (any && typesOf(readSchema(own, path, this.#options)) === undefined && !oneOf) {
      const wanted = any.filter((each) => each !== false);
      return anyOf(wanted.map((each, i) => this.value(each, `${path}/anyOf/${i}`)));
    }
    if (any && oneOf) throw new UserError("grammar/unsupported", { keyword: "oneOf beside anyOf", path });
    const read = alternatives.flatMap((each) => {
      if (each === false) return [];
      const flat = each === true ? {} : this.#flat(readSchema(each, path, this.#options), path);
      return [merged(readSchema(own, path, this.#options), flat, path)];
    });
    if (oneOf && !this.#options.isLenient && !areDisjoint(read)) {
      throw new UserError("grammar/unsupported", {
        keyword: "oneOf, whose choices are not told apart by type or a constant,",
        path,
      });
    }
    const word = any ? "anyOf" : "oneOf";
    return anyOf(read.map((each, i) => this.#combined(each, `${path}/${word}/${i}`)));
  }

  #reference(reference: string, path: string): string {
    const known = this.#references.get(reference);
    if (known) return known;
    const name = `reference_${this.#references.size}`;
    this.#references.set(reference, name);
    const body = this.value(resolveReference(this.#root, reference, path), reference);
    if (body === name)
      throw new UserError("grammar/invalid", { path, reason: `$ref ${reference} leads back to itself` });
    this.#rule(body, name);
    return name;
  }

  #constants(schema: SchemaObject, path: string): string {
    const { enum: values = [schema.const], const: constant, type, ...rest } = schema;
    const others = typesOf(readSchema(rest, path, this.#options));
    if (others && !this.#options.isLenient) {
      throw new UserError("grammar/unsupported", { keyword: `enum or const beside further conditions`, path });
    }
    const types = typesOf({ type });
    const wanted = values
      .filter((value) => constant === undefined || JSON.stringify(value) === JSON.stringify(constant))
      .filter((value) => !types || types.some((each) => isOfType(value, each)));
    if (wanted.length === 0) throw new UserError("grammar/invalid", { path, reason: "no constant is left" });
    return this.#rule(anyOf(wanted.map((value) => literal(spacedJson(value)))));
  }

  #typed(schema: SchemaObject, path: string): string {
    const types = typesOf(schema);
    if (!types) return "json_value";
    if (types.length === 0) throw new UserError("grammar/invalid", { path, reason: "no type is left" });
    const distinct = types.includes("number") ? types.filter((each) => each !== "integer") : types;
    return anyOf(distinct.map((type) => this.#ofType(type, schema, path)));
  }

  #ofType(type: TypeName, schema: SchemaObject, path: string): string {
    switch (type) {
      case "null":
        return literal("null");
      case "boolean":
        return anyOf([literal("true"), literal("false")]);
      case "integer":
        return this.#rule(bounded(integerRange(schema), path));
      case "number":
        return this.#rule(bounded(numberRange(schema), path));
      case "string":
        return this.#string(schema, path);
      case "array":
        return this.#rule(this.#array(schema, path));
      case "object":
        return this.#rule(this.#object(schema, path));
    }
  }

  #string(schema: SchemaObject, path: string): string {
    const { minLength = 0, maxLength, pattern, format } = schema;
    const ofFormat = formatPatterns[format ?? ""];
    if (pattern === undefined && ofFormat === undefined) {
      if (minLength === 0 && maxLength === undefined) return "json_string";
      if (maxLength !== undefined && maxLength < minLength) {
        throw new UserError("grammar/invalid", {
          path,
          reason: `minLength ${minLength} is above maxLength ${maxLength}`,
        });
      }
      return sequence(quote, this.#text(minLength, maxLength));
    }
    const isLong = pattern === undefined && minLength <= 1 && (maxLength ?? longestFormat) >= longestFormat;
    const hasLength = schema.minLength !== undefined || maxLength !== undefined;
    const keyword =
      pattern !== undefined && ofFormat !== undefined
        ? "pattern beside format"
        : hasLength && !isLong
          ? "minLength or maxLength beside pattern or format"
          : undefined;
    if (keyword !== undefined && !this.#options.isLenient)
      throw new UserError("grammar/unsupported", { keyword, path });
    try {
      return this.#rule(sequence(quote, stringPattern(pattern ?? ofFormat ?? ""), quote));
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      if (this.#options.isLenient) return "json_string";
      throw new UserError("grammar/unsupported", { keyword: `pattern ${pattern} (${error.message})`, path });
    }
  }

  /** So many characters and the closing quote. */
  #text(least: number, most: number | undefined): string {
    if (least === 0 && most === undefined) return "json_text";
    if (Math.max(least, most ?? 0) > longestChain) return sequence(repeated("json_character", least, most), quote);
    if (most === 0) return quote;
    const name = `text_${least}_${most ?? "more"}`;
    if (this.#texts.has(name)) return name;
    this.#texts.add(name);
    const rest = this.#text(Math.max(0, least - 1), most === undefined ? undefined : most - 1);
    return this.#push(name, textRule(rest, least === 0));
  }

  #array(schema: SchemaObject, path: string): string {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
    const isOldForm = Array.isArray(schema.items);
    const prefix = schema.prefixItems ?? (Array.isArray(schema.items) ? schema.items : []);
    const rest = isOldForm ? schema.additionalItems : schema.items;
    const most = rest === false ? Math.min(maxItems, prefix.length) : maxItems;
    if (most < minItems)
      throw new UserError("grammar/invalid", { path, reason: `minItems ${minItems} is above the most, ${most}` });
    const item = rest === false || most <= prefix.length ? empty : this.value(rest, `${path}/items`);
    const fixed = prefix.slice(0, most).map((each, i) => this.value(each, `${path}/prefixItems/${i}`));
    const [open, close] = [literal("["), literal("]")];
    return sequence(open, listOf(fixed, item, minItems, most), close);
  }

  /** Properties in their order; those that may be left out are, one by one. */
  #object(schema: SchemaObject, path: string): string {
    const { properties = {}, required = [], additionalProperties: more } = schema;
    const hasNames = Object.keys(properties).length > 0;
    const extra = more ?? !hasNames;
    const unnamed = required.filter((name) => !Object.hasOwn(properties, name));
    const names = [
      ...Object.keys(properties).filter((name) => properties[name] !== false || required.includes(name)),
      ...unnamed,
    ];
    this.#checkCounts(schema, names.length, extra !== false, path);
    const pairs = names.map((name) => {
      const value = this.value(Object.hasOwn(properties, name) ? properties[name] : more, `${path}/properties/${name}`);
      return { pair: sequence(literal(JSON.stringify(name)), colon, value), isRequired: required.includes(name) };
    });
    const key =
      Object.keys(properties).length + unnamed.length > 0
        ? this.#otherKey([...Object.keys(properties), ...unnamed])
        : "json_key";
    const other = extra === false ? undefined : sequence(key, colon, this.value(extra, `${path}/additionalProperties`));
    const atLeastOne = (schema.minProperties ?? 0) > required.length;
    const most = schema.maxProperties === undefined ? undefined : schema.maxProperties - names.length;
    return sequence(literal("{"), this.#pairs(pairs, other, atLeastOne, most), literal("}"));
  }

  #checkCounts(schema: SchemaObject, named: number, isOpen: boolean, path: string): void {
    const { minProperties = 0, maxProperties, required = [] } = schema;
    const tooFew = minProperties > Math.max(1, required.length);
    const tooMany = maxProperties !== undefined && maxProperties < named;
    if ((tooFew || tooMany) && !this.#options.isLenient) {
      throw new UserError("grammar/unsupported", { keyword: tooFew ? "minProperties" : "maxProperties", path });
    }
    if (minProperties > 0 && named === 0 && !isOpen) {
      throw new UserError("grammar/invalid", { path, reason: "it has no properties, and minProperties asks for some" });
    }
  }

  /** From the last pair back: what follows when some stand before, and what follows when none does. */
  #pairs(
    pairs: readonly { pair: string; isRequired: boolean }[],
    other: string | undefined,
    atLeastOne: boolean,
    most: number | undefined,
  ): string {
    const many = other === undefined ? empty : repeated(sequence(comma, other), 0, most);
    const fewer =
      other === undefined ? empty : repeated(sequence(comma, other), 0, most === undefined ? undefined : most - 1);
    let after = many === empty ? empty : this.#rule(many);
    const others = other === undefined || most === 0 ? undefined : sequence(other, fewer);
    let first: string | undefined = atLeastOne ? others : others === undefined ? empty : optional(others);
    for (const { pair, isRequired } of pairs.toReversed()) {
      const own: string = sequence(pair, after);
      first = isRequired || first === undefined ? own : this.#rule(anyOf([own, first]));
      const next = sequence(comma, own);
      after = this.#rule(isRequired ? next : anyOf([next, after]));
    }
    return first ?? empty;
  }

  /** A key that is none of these, spelled without escapes up to where it differs. */
  #otherKey(names: readonly string[]): string {
    return sequence(quote, this.#otherText(names.map((name) => [...name])), quote);
  }

  /** Beyond ASCII a first letter that names share is left to the names. */
  #otherText(names: readonly string[][]): string {
    const firsts = [...new Set(names.flatMap(([first]) => first ?? []))];
    const inAscii = firsts.map(codeOf).filter((code) => code > 31 && code < 128 && code !== 34 && code !== 92);
    const isAscii = firsts.every((first) => codeOf(first) < 128);
    const other = [...keyEnds, ...inAscii.map((code): [number, number] => [code, code])];
    const plain = isAscii ? notAscii(other) : ascii(asciiWithout(other));
    const parts = firsts
      .filter((first) => inAscii.includes(codeOf(first)))
      .map((first) => {
        const longer = names.filter((name) => name[0] === first).map((name) => name.slice(1));
        return sequence(literal(first), this.#otherText(longer));
      });
    const isName = names.some((name) => name.length === 0);
    const rest = repeated("json_character", 0, mostKeyCharacters);
    return this.#rule(anyOf([...parts, sequence(plain, rest), ...(isName ? [] : [empty])]));
  }

  #rule(body: string, name = `rule_${this.rules.length}`): string {
    this.#characters += body.length;
    if (this.#characters > mostCharacters) {
      throw new UserError("grammar/too-large", { characters: this.#characters, most: mostCharacters });
    }
    if (/^\w+$/.test(body)) return name.startsWith("rule_") ? body : this.#push(name, body);
    return this.#push(name, body);
  }

  #push(name: string, body: string): string {
    this.rules.push(`${name} ::= ${body}`);
    return name;
  }
}

/** Some items at fixed places, then any number of the same. */
function listOf(fixed: readonly string[], item: string, least: number, most: number): string {
  const last = Number.isFinite(most) ? most : undefined;
  const left = (count: number): number | undefined => (last === undefined ? undefined : Math.max(0, last - count));
  const behind = (taken: number): string =>
    item === empty ? empty : repeated(sequence(comma, item), Math.max(0, least - taken), left(taken));
  let rest = fixed.length > 0 ? behind(fixed.length) : empty;
  if (fixed.length === 0) {
    if (item === empty || last === 0) return empty;
    const list = sequence(item, repeated(sequence(comma, item), Math.max(0, least - 1), left(1)));
    return least > 0 ? list : optional(list);
  }
  for (let i = fixed.length - 1; i >= 0; i--) {
    const own = sequence(i > 0 ? comma : empty, fixed[i] ?? empty, rest);
    rest = i < least ? own : optional(own);
  }
  return rest;
}

function bounded(range: string | undefined, path: string): string {
  if (range === undefined) throw new UserError("grammar/invalid", { path, reason: "no number lies within the bounds" });
  return range;
}

function isOfType(value: unknown, type: TypeName): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** As Python writes it, which models saw most. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${spacedJson(each)}`);
  return `{${pairs.join(", ")}}`;
}

function asciiWithout(ranges: Ranges): Ranges {
  const codes = Array.from({ length: 128 }, (_, code) => code);
  return codes.filter((code) => !ranges.some(([from, to]) => from <= code && code <= to)).map((code) => [code, code]);
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
