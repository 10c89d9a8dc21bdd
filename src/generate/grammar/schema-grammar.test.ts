import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, test } from "vitest";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { schemaGrammar } from "./schema-grammar.ts";
import { allows } from "./token-constraint.ts";
import { TokenGrammars } from "./token-grammars.ts";

const size = 4096;
let tokenizer: Tokenizer;
let grammars: TokenGrammars;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(join(import.meta.dirname, "../../../assets/cygnet-tiny"));
  grammars = new TokenGrammars(tokenizer.vocabulary(size));
});

/** A text that the grammar allows, token by token at random, quotes and brackets more often. */
async function randomText(schema: unknown, random: () => number): Promise<string> {
  const constraint = await grammars.constraint(schemaGrammar(schema));
  const ids: number[] = [];
  while (ids.length < 400) {
    const mask = await constraint.mask();
    if (!mask) break;
    const open = Array.from({ length: size }, (_, id) => id).filter((id) => allows(mask, id));
    const closing = open.filter((id) => tokenizer.eosTokenIds.has(id) || /^["}\]]+$/.test(tokenizer.tokenText(id)));
    const among = closing.length > 0 && random() < 0.4 ? closing : open;
    const id = among[Math.floor(random() * among.length)];
    expect(id, `after ${tokenizer.decode(ids)}`).toBeDefined();
    if (id === undefined) break;
    constraint.accept(id);
    ids.push(id);
  }
  constraint.dispose();
  return tokenizer.decode(ids.slice(0, -1));
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const flag = { type: "boolean" };
const node = {
  type: "object",
  properties: { v: flag, next: { anyOf: [{ $ref: "#/$defs/n" }, { type: "null" }] } },
  required: ["v"],
};

describe("whatever the grammar writes is valid", () => {
  test.each<[string, unknown]>([
    ["a short string", { type: "string", minLength: 2, maxLength: 6 }],
    ["an integer within bounds", { type: "integer", minimum: -5, maximum: 120 }],
    ["an integer beyond an excluded bound", { type: "integer", exclusiveMinimum: 3, exclusiveMaximum: 6 }],
    ["an integer without an upper bound", { type: "integer", minimum: 37 }],
    ["a negative integer", { type: "integer", maximum: -7 }],
    ["a fraction within bounds", { type: "number", minimum: 0.5, maximum: 1.5 }],
    ["a narrow range", { type: "number", minimum: -0.25, maximum: 0.0312 }],
    ["a number above zero", { type: "number", exclusiveMinimum: 0 }],
    ["a number below", { type: "number", exclusiveMaximum: 2, minimum: -3 }],
    ["a list of some", { type: "array", items: { type: "integer", maximum: 9, minimum: 0 }, minItems: 2, maxItems: 3 }],
    ["a tuple", { type: "array", prefixItems: [{ type: "string", maxLength: 3 }, flag], items: false }],
    [
      "a tuple and more",
      { type: "array", prefixItems: [flag, flag], items: { type: "null" }, minItems: 1, maxItems: 4 },
    ],
    ["a list without a length", { type: "array", items: flag }],
    ["an empty list", { type: "array", maxItems: 0 }],
    [
      "properties, some required",
      { type: "object", properties: { a: flag, b: { type: "null" }, c: flag }, required: ["b"] },
    ],
    ["properties, none required", { type: "object", properties: { a: flag, b: { type: "null" } } }],
    ["at least one property", { type: "object", properties: { a: flag, b: flag }, minProperties: 1 }],
    [
      "further properties",
      { type: "object", properties: { a: flag, ab: flag, ac: flag }, additionalProperties: { type: "null" } },
    ],
    ["a map", { type: "object", additionalProperties: flag, maxProperties: 3, minProperties: 1 }],
    ["a property that only required names", { type: "object", required: ["a"], properties: { b: flag } }],
    [
      "names that need escapes",
      { type: "object", properties: { 'a b"c\n': flag, é: { const: "ü\t😀" } }, required: ['a b"c\n', "é"] },
    ],
    ["several types", { type: ["string", "null", "integer"], maxLength: 5, minimum: 3, maximum: 4 }],
    ["constants", { enum: ["a", 1, null, true, { x: [1, -2.5e-7] }, "\u2028\\"] }],
    ["constants of a type", { enum: ["a", 1, "b"], type: "string" }],
    [
      "alternatives with what they share",
      { type: "object", properties: { a: flag, b: flag }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    ],
    [
      "alternatives told apart by a constant",
      { oneOf: [1, 2].map((k) => ({ type: "object", properties: { k: { const: k }, v: flag }, required: ["k"] })) },
    ],
    [
      "all of several",
      {
        allOf: [{ type: "object", properties: { a: flag }, required: ["a"] }, { $ref: "#/$defs/b" }],
        $defs: { b: { properties: { b: flag }, required: ["b"] } },
      },
    ],
    ["a list of itself", { $defs: { n: node }, $ref: "#/$defs/n" }],
    ["a document that refers to itself", { type: "object", properties: { a: { $ref: "#" }, b: flag } }],
    ["a pattern", { type: "string", pattern: "^[a-c]+(-\\d{2,3}|x?)$" }],
    ["a pattern of special characters", { type: "string", pattern: '^["\\\\\\n]{1,4}[^a-z"]\\.$' }],
    ["a pattern without anchors", { type: "string", pattern: "^[0-9]{2}" }],
    ["a date and time", { type: "string", format: "date-time", pattern: undefined }],
    ["nothing said", { type: "object", properties: { x: {} }, required: ["x"] }],
  ])("%s", async (_, schema) => {
    const validate = ajv.compile(JSON.parse(JSON.stringify(schema)));
    const random = generator(7);
    for (let i = 0; i < 12; i++) {
      const text = await randomText(schema, random);
      expect(validate(JSON.parse(text)), `${text} ${JSON.stringify(validate.errors)}`).toBe(true);
    }
  });
});

test("numbers within random bounds end, and lie within", async () => {
  const random = generator(3);
  for (let round = 0; round < 60; round++) {
    const minimum = Math.round((random() - 0.5) * 10 ** Math.floor(random() * 6)) / 2 ** (round % 5);
    const maximum = minimum + Math.round(random() * 1000) / 8;
    const bounds = [
      { minimum },
      { maximum },
      { minimum, maximum },
      { exclusiveMinimum: minimum },
      { exclusiveMaximum: minimum, minimum: minimum - 7 },
    ];
    const schema = {
      type: round % 3 === 0 && maximum - minimum > 2 ? "integer" : "number",
      ...bounds[Math.floor(random() * 5)],
    };
    const validate = ajv.compile(schema);
    for (let i = 0; i < 4; i++) {
      const text = await randomText(schema, random);
      expect(text.length).toBeLessThan(40);
      expect(validate(JSON.parse(text)), `${text} ${JSON.stringify(schema)}`).toBe(true);
    }
  }
});

describe("what a grammar cannot say is refused", () => {
  test.each<[unknown, RegExp]>([
    [{ type: "array", uniqueItems: true }, /uniqueItems at #/],
    [{ type: "object", properties: { a: { type: "number", multipleOf: 3 } } }, /multipleOf at #\/properties\/a/],
    [{ not: {} }, /not at #/],
    [{ type: "string", pattern: "(?<=a)b" }, /pattern .*look around/],
    [{ type: "string", pattern: "^a+$", maxLength: 3 }, /maxLength beside pattern/],
    [{ type: "string", pattern: "^((a{100}){100}){2}$" }, /20000 repetitions/],
    [{ oneOf: [{ type: "integer" }, { type: "number" }] }, /oneOf/],
    [{ $ref: "https://example.com" }, /\$ref https/],
    [{ $ref: "#/$defs/x" }, /points nowhere/],
    [{ $ref: "#" }, /itself/],
    [{ type: "integer", minimum: 5, maximum: 2 }, /no number/],
    [{ type: "integer", minimum: 0.5, maximum: 0.7 }, /no number/],
    [{ type: "string", minLength: 5, maxLength: 2 }, /minLength 5/],
    [{ enum: [] }, /enum/],
    [{ type: "nope" }, /type/],
    [{ type: "object", properties: { a: false }, required: ["a"] }, /false/],
    [{ type: "object", minProperties: 4 }, /minProperties/],
  ])("%j", (schema, message) => {
    expect(() => schemaGrammar(schema)).toThrow(message);
  });

  test("unless it may be left out", () => {
    expect(schemaGrammar({ type: "array", uniqueItems: true }, { isLenient: true })).toContain("root");
  });
});

test("a grammar that does not compile is refused, and others go on", async () => {
  const before = await grammars.constraint('root ::= "ab"');
  await expect(grammars.constraint("root ::= nowhere")).rejects.toThrow(/nowhere/);
  const mask = await before.mask();
  expect(
    mask && tokenizer.decode(Array.from({ length: size }, (_, id) => id).filter((id) => allows(mask, id))),
  ).toMatch(/a/);
  const after = await grammars.constraint('root ::= "c"');
  expect(await after.mask()).toBeDefined();
  before.dispose();
  after.dispose();
});
