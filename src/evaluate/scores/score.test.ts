import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseScores } from "./score.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-score-"));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** What the one score that is asked for says. */
function scoreOf(text: string) {
  const { scores } = parseScores([text]);
  expect(scores).toHaveLength(1);
  return (answer: string, reference = "") => scores[0]?.of(answer, reference);
}

test("scores are named in a list, and what a pattern has in it belongs to the pattern", () => {
  const wanted = parseScores(["exact, rouge-l", "chrf,judge", "exact", "contains,regex=^\\d{1,3}, (a|b)$"]);
  expect(wanted.scores.map(({ name }) => name)).toEqual([
    "exact",
    "rouge-l",
    "chrf",
    "contains",
    "regex=^\\d{1,3}, (a|b)$",
  ]);
  expect(wanted.judge).toBe(true);
});

test("exact compares without blanks at the ends, whatever way characters are composed", () => {
  const exact = scoreOf("exact");
  expect([exact(" caf\u00e9\n", "cafe\u0301"), exact("Cafe", "cafe"), exact("", "")]).toEqual([1, 0, 1]);
});

test("contains looks for the reference, or for a text", () => {
  const contains = scoreOf("contains");
  expect([contains("I am Little-Swan.", "little-swan"), contains("I am", "little-swan")]).toEqual([1, 0]);
  const name = scoreOf("contains=小鹅, 你好");
  expect([name("我是小鹅, 你好。"), name("小鹅")]).toEqual([1, 0]);
});

test("a pattern is searched for in the answer, characters beyond 16 bits are one", () => {
  const regex = scoreOf("regex=^.$");
  expect([regex("𠮷"), regex("ab")]).toEqual([1, 0]);
});

test("an answer is JSON of a schema, all of it", () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 1 } },
    required: ["city", "days"],
    additionalProperties: false,
  };
  const isPlan = scoreOf(`json-schema=${file("plan.json", schema)}`);
  const answers = [
    '{"city": "上海", "days": 3}',
    '{"city": "x", "days": 0}',
    '{"city": "x"}',
    'Sure: {"city": "x", "days": 1}',
    "",
  ];
  expect(answers.map((answer) => isPlan(answer))).toEqual([1, 0, 0, 0, 0]);
  const old = { $schema: "http://json-schema.org/draft-07/schema#", type: "array", items: [{ type: "number" }] };
  const isOld = scoreOf(`json-schema=${file("old.json", old)}`);
  expect([isOld("[1]"), isOld('["a"]')]).toEqual([1, 0]);
  const newer = { $schema: "https://json-schema.org/draft/2020-12/schema", prefixItems: [{ type: "number" }] };
  const isNewer = scoreOf(`json-schema=${file("newer.json", newer)}`);
  expect([isNewer("[1]"), isNewer('["a"]')]).toEqual([1, 0]);
});

test("what cannot score is told with what can", () => {
  expect(() => parseScores(["rogue-l"])).toThrow("Did you mean rouge-l? Possible with --score: rouge-l, chrf, exact");
  expect(() => parseScores(["regex"])).toThrow("There is no score");
  expect(() => parseScores(["regex="])).toThrow("There is no score");
  expect(() => parseScores(["toString=1"])).toThrow("There is no score");
  expect(() => parseScores(["regex=(a"])).toThrow("regex=(a is no regular expression");
  expect(() => parseScores([`json-schema=${join(folder, "absent.json")}`])).toThrow("There is no file");
  expect(() => parseScores([`json-schema=${file("broken.json", "{")}`])).toThrow("not valid JSON");
  expect(() => parseScores([`json-schema=${file("bad.json", { type: "strang" })}`])).toThrow(
    "bad.json is no JSON schema",
  );
  expect(() => parseScores([`json-schema=${file("list.json", [1])}`])).toThrow("list.json is no JSON schema");
});
