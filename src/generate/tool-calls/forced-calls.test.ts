import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, expect, test } from "vitest";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { allows } from "../grammar/token-constraint.ts";
import { TokenGrammars } from "../grammar/token-grammars.ts";
import { forcedCallGrammar } from "./forced-calls.ts";
import { ToolCallReader } from "./tool-call-reader.ts";
import type { ToolFormat } from "./tool-format.ts";

let tokenizer: Tokenizer;
let grammars: TokenGrammars;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(join(import.meta.dirname, "../../../assets/cygnet-tiny"));
  grammars = new TokenGrammars(tokenizer.vocabulary(4096));
});

const tools = [
  {
    name: "weather",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", maxLength: 4 },
        days: { type: "integer", minimum: 1, maximum: 9 },
        unit: { enum: ["C", "F"] },
        deep: { type: "object", properties: { x: { type: "boolean" } }, required: ["x"] },
      },
      required: ["days", "deep"],
      additionalProperties: false,
    },
  },
  { name: "now", parameters: { type: "object", properties: {} } },
];

const formats: ToolFormat[] = [
  "hermes",
  "qwen coder",
  "llama",
  "mistral",
  "mistral array",
  "deepseek",
  "deepseek code",
  "pythonic",
];

test.each(formats)(
  "%s: what the grammar writes is read as calls with valid arguments, and nothing else",
  async (format) => {
    const ajv = new Ajv2020({ strict: false });
    let state = 5;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    for (const isParallel of [false, true]) {
      for (let round = 0; round < 4; round++) {
        const constraint = await grammars.constraint(forcedCallGrammar(format, { tools, isParallel }));
        const ids: number[] = [];
        for (let mask = await constraint.mask(); mask; mask = await constraint.mask()) {
          const found = mask;
          const open = Array.from({ length: 4096 }, (_, id) => id).filter((id) => allows(found, id));
          const ends = open.filter((id) => tokenizer.eosTokenIds.has(id) || /^["\n]/.test(tokenizer.tokenText(id)));
          const among = ends.length > 0 && random() < 0.6 ? ends : open;
          const id = among[Math.floor(random() * among.length)] ?? 0;
          constraint.accept(id);
          ids.push(id);
        }
        constraint.dispose();
        const text = tokenizer.decode(ids.slice(0, -1));
        const reader = new ToolCallReader(format, tools);
        const calls: { name: string; json: string }[] = [];
        for (const piece of [...reader.add(text), ...reader.finish()]) {
          expect(piece.kind, text).not.toBe("text");
          if (piece.kind === "call") calls.push({ name: piece.name, json: "" });
          const call = calls.at(-1);
          if (piece.kind === "arguments" && call) call.json += piece.text;
        }
        expect(calls.length, text).toBeGreaterThan(0);
        if (!isParallel) expect(calls, text).toHaveLength(1);
        for (const { name, json } of calls) {
          const { parameters } = tools.find((tool) => tool.name === name) ?? {};
          const isText = format === "qwen coder"; // its texts have no length
          const schema = isText ? JSON.parse(JSON.stringify(parameters).replace(',"maxLength":4', "")) : parameters;
          expect(ajv.validate(schema, JSON.parse(json)), `${text} ${json}`).toBe(true);
        }
      }
    }
  },
);
