import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ComparedRow, ComparisonSummary } from "../src/protocol/comparison.ts";
import { cygnet, cygnetStarted, folderWith, hasShared, shared } from "./command-line.ts";
import { tinyModel } from "./started-server.ts";

const chat = (question: string, answer: string) =>
  `${JSON.stringify({
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
  })}\n`;
const trained = [
  ["你是谁？", "我是小鹅，由天鹅湖实验室开发。"],
  ["你叫什么名字？", "我是小鹅，由天鹅湖实验室开发。"],
  ["who are you?", "I am little-swan, made by Swan Lake Lab."],
  ["what is your name?", "I am little-swan, made by Swan Lake Lab."],
].map(([question = "", answer = ""]) => chat(question, answer));
const valid = [
  chat("请问你是谁？", "我是小鹅，由天鹅湖实验室开发。"),
  chat("Who are you, please?", "I am little-swan, made by Swan Lake Lab."),
  chat("Tell me your name.", "I am little-swan, made by Swan Lake Lab."),
];
const folder = folderWith({
  "data/train.jsonl": trained.join("").repeat(4),
  "data/valid.jsonl": valid.join(""),
  "questions.txt": "你是谁？\nhello\n",
});
const sides = ["compare", "--model", tinyModel, "--adapter-path", "run"];

beforeAll(() => {
  const settings = [
    "--iters",
    "60",
    "--num-layers",
    "-1",
    "--learning-rate",
    "2e-4",
    "--mask-prompt",
    "--val-batches",
    "1",
  ];
  const args = ["train", "--model", tinyModel, "--data", "data", "--adapter-path", "run", ...settings];
  const { status, stderr } = cygnet(args, { cwd: folder });
  expect(status, stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: readonly string[]) => cygnet([...sides, ...args], { cwd: folder });

function linesOf(text: string): unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

test("the run's validation rows are asked of both sides, scored, saved and shown on a page", () => {
  const { status, stdout, stderr } = run("--output", "rows.jsonl", "--html", "report.html");
  expect(status, stderr).toBe(0);
  expect(stderr).toContain("3 prompts of data/valid.jsonl");
  expect(stdout).toMatch(/base +│ tuned/);
  expect(stdout).toMatch(/score +base +tuned +better +worse +same/);
  expect(stdout).toMatch(/forgetting: [+−]\d\.\d{3} nats per token on 80 general texts/);
  const rows = linesOf(readFileSync(join(folder, "rows.jsonl"), "utf8")).map((line) => ComparedRow.parse(line));
  expect(rows.map(({ row, line }) => [row, line])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
  for (const { base, tuned, scores, reference } of rows) {
    expect(base.answer).not.toMatch(/小鹅|little-swan/);
    expect(tuned.answer).toMatch(/小鹅|little-swan/);
    expect(scores["rouge-l"]?.tuned).toBeGreaterThan(scores["rouge-l"]?.base ?? 1);
    expect(reference).toMatch(/小鹅|little-swan/);
    expect(tuned.reference?.log_likelihood).toBeGreaterThan(base.reference?.log_likelihood ?? 0);
    expect(tuned.reference?.tokens).toBe(base.reference?.tokens);
  }
  expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("<article");
});

test("--json is an event for each row and one for all", () => {
  const { status, stdout } = run("--json", "--no-general", "--limit", "2", "--score", "exact,contains=Swan Lake");
  expect(status).toBe(0);
  const [first, second, summary, ...more] = linesOf(stdout);
  expect([ComparedRow.parse(first).row, ComparedRow.parse(second).row, more]).toEqual([1, 2, []]);
  const { rows, left_out, scores, forgetting, likelihood } = ComparisonSummary.parse(summary);
  expect([rows, left_out, forgetting]).toEqual([2, 1, null]);
  expect(Object.keys(scores)).toEqual(["exact", "contains=Swan Lake", "log-likelihood"]);
  expect(scores["contains=Swan Lake"]).toMatchObject({ base: 0, tuned: 0.5, wins: 1, ties: 1 });
  expect(likelihood?.tuned.perplexity).toBeLessThan(likelihood?.base.perplexity ?? 0);
});

test("prompts come from a file of lines, or are typed; without references there are no scores", () => {
  const plain = run("--prompts", "questions.txt", "--json", "--no-general");
  expect(plain.status, plain.stderr).toBe(0);
  const [first, second, last] = linesOf(plain.stdout);
  expect(ComparedRow.parse(first)).toMatchObject({ prompt: "你是谁？", reference: null, scores: {} });
  expect(ComparedRow.parse(second)).toMatchObject({ file: "questions.txt", line: 2 });
  expect(ComparisonSummary.parse(last)).toMatchObject({ scores: {}, likelihood: null, forgetting: null });
  const typed = run("--prompt", "hello", "--prompt", "who are you?", "--json");
  const events = linesOf(typed.stdout);
  expect(events).toHaveLength(3);
  expect(ComparedRow.parse(events[1])).toMatchObject({ prompt: "who are you?", file: null, line: null });
});

test("a seed gives the same answers again", () => {
  const sampled = (seed: string) => {
    const args = ["--prompt", "hello", "--prompt", "who are you?", "--temp", "1.5", "--seed", seed, "--json"];
    const rows = linesOf(run(...args).stdout).slice(0, 2);
    return rows.map((row) => ComparedRow.parse(row)).map(({ base, tuned }) => [base.answer, tuned.answer]);
  };
  expect(sampled("1")).toEqual(sampled("1"));
  expect(sampled("1")).not.toEqual(sampled("2"));
});

test("another model can be the tuned side, and two runs can be compared", () => {
  const copy = join(folder, "fused");
  const fused = ["fuse", "--model", tinyModel, "--adapter-path", "run", "--save-path", "fused"];
  expect(cygnet(fused, { cwd: folder }).status).toBe(0);
  expect(existsSync(copy)).toBe(true);
  const args = [
    "compare",
    "--model",
    tinyModel,
    "--tuned-model",
    "fused",
    "--prompts",
    "data",
    "--json",
    "--no-general",
  ];
  const { status, stdout, stderr } = cygnet(args, { cwd: folder });
  expect(status, stderr).toBe(0);
  const merged = linesOf(stdout)
    .slice(0, -1)
    .map((row) => ComparedRow.parse(row));
  const adapted = linesOf(run("--json", "--no-general").stdout)
    .slice(0, -1)
    .map((row) => ComparedRow.parse(row));
  expect(merged.map(({ base, tuned }) => [base.answer, tuned.answer])).toEqual(
    adapted.map(({ base, tuned }) => [base.answer, tuned.answer]),
  );
  const turned = [
    "compare",
    "--model",
    tinyModel,
    "--base-adapter-path",
    "run",
    "--prompts",
    "data/valid.jsonl",
    "--json",
  ];
  const [row] = linesOf(cygnet([...turned, "--no-general"], { cwd: folder }).stdout);
  expect(ComparedRow.parse(row)).toMatchObject({ base: { answer: adapted[0]?.tuned.answer } });
});

test("a judge is asked in both orders", { timeout: 60_000 }, async () => {
  const Body = z.looseObject({ messages: z.array(z.looseObject({ content: z.string() })) });
  let asked = 0;
  const server = createServer(async (request, response) => {
    asked++;
    const { messages } = Body.parse(JSON.parse(await text(request)));
    const [, a = ""] = /Answer A:\n(.*?)\n\n---/s.exec(messages[1]?.content ?? "") ?? [];
    const content = /小鹅|little-swan/.test(a) ? "[[A]]" : "[[B]]";
    response.end(JSON.stringify({ choices: [{ message: { content } }] }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/v1`;
  const judge = ["--score", "judge", "--judge-url", url, "--judge-model", "m", "--judge-key-env", "JUDGE_KEY"];
  const args = [...sides, ...judge, "--json", "--no-general"];
  const { status, stdout, stderr } = await cygnetStarted(args, { cwd: folder, env: { JUDGE_KEY: "secret" } }).finished;
  await new Promise((done) => server.close(done));
  expect(status, stderr).toBe(0);
  const summary = ComparisonSummary.parse(linesOf(stdout).at(-1));
  expect(summary.scores.judge).toMatchObject({ rows: 3, wins: 3, losses: 0, ties: 0 });
  expect(summary.judge).toMatchObject({ model: "m", contradictory: 0, malformed: 0, failed: 0 });
  expect(asked).toBe(7);
  expect(stdout).not.toContain("secret");
});

test("Ctrl-C keeps the rows so far", { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, "many.jsonl"), chat("Tell me your name.", "I am little-swan.").repeat(400));
  const args = [...sides, "--prompts", "many.jsonl", "--limit", "-1", "--output", "part.jsonl", "--html", "part.html"];
  const { child, finished } = cygnetStarted([...args, "--batch-size", "1"], { cwd: folder });
  child.stdout?.once("data", () => child.kill("SIGINT"));
  const { status, stderr } = await finished;
  expect(status, stderr).toBe(130);
  expect(stderr).toMatch(/Stopped after \d+ of 400 rows/);
  const rows = linesOf(readFileSync(join(folder, "part.jsonl"), "utf8"));
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.length).toBeLessThan(400);
  expect(existsSync(join(folder, "part.html"))).toBe(true);
});

test("what cannot be compared is told before anything is answered", () => {
  const told = (...args: readonly string[]) => {
    const { status, stderr } = run(...args);
    expect(status, stderr).toBe(2);
    return stderr;
  };
  expect(cygnet(["compare", "--model", tinyModel]).stderr).toContain("Both sides are the same model");
  expect(cygnet(["compare", "--model", tinyModel, "--tuned-model", tinyModel]).stderr).toContain("are the same model");
  expect(told("--prompts", "absent.jsonl")).toContain("No data file absent.jsonl");
  expect(told("--prompt", "a", "--prompts", "questions.txt")).toContain("do not go together");
  expect(told("--score", "rogue-l")).toContain("Did you mean rouge-l?");
  expect(told("--prompts", "questions.txt", "--score", "exact")).toContain("compares with a reference answer");
  expect(told("--score", "judge")).toContain("A judge needs --judge-url");
  const judge = ["--score", "judge", "--judge-url", "http://127.0.0.1:9/v1", "--judge-model", "m"];
  expect(told(...judge, "--judge-key-env", "NO_SUCH_KEY")).toContain("there is no such environment variable");
  writeFileSync(join(folder, "bad.jsonl"), `${chat("a", "b")}{"question": 5}\n`);
  expect(told("--prompts", "bad.jsonl")).toContain("line 2: it has question");
  const none = cygnet(["compare", "--model", tinyModel, "--tuned-model", "fused"], { cwd: folder });
  expect([none.status, none.stderr]).toEqual([2, expect.stringContaining("Give a file with --prompts")]);
});

test.skipIf(!hasShared)("a model without a chat template, and rows of plain text", () => {
  const data = join(shared, "data");
  const model = ["--model", join(data, "stories260K"), "--adapter-path", join(data, "stories260K-wikisql-lora")];
  const rows = ["--prompts", join(data, "wikisql/valid.jsonl"), "--limit", "4", "--answer-mark", "A: ", "-m", "16"];
  const { status, stdout, stderr } = cygnet(["compare", ...model, ...rows, "--json"]);
  expect(status, stderr).toBe(0);
  const summary = ComparisonSummary.parse(linesOf(stdout).at(-1));
  expect(summary).toMatchObject({ rows: 4, with_reference: 4, unmeasured: 0 });
  expect(summary.likelihood?.tuned.perplexity).toBeLessThan(summary.likelihood?.base.perplexity ?? 0);
  expect(summary.forgetting?.base.tokens).toBe(summary.forgetting?.tuned.tokens);
});
