import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { askedText, readQuestions, typedQuestion, wholeText, withSystemPrompt } from "./questions.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-questions-"));

function file(name: string, ...lines: readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
  return path;
}

test("rows of training data ask what comes before their last answer, which is the reference", async () => {
  const messages = [
    { role: "system", content: "Be short." },
    { role: "user", content: "hi" },
    { role: "assistant", content: "hello" },
    { role: "user", content: "who are you?" },
    { role: "assistant", content: " Cygnet. " },
  ];
  const path = file(
    "all.jsonl",
    { messages },
    "",
    { prompt: "1+1?", completion: "2" },
    { prompt: "alone" },
    '"a text"',
    {
      messages: messages.slice(0, 2),
    },
  );
  const questions = await readQuestions(path);
  expect(questions.map((each) => [each.place?.line, askedText(each), each.reference])).toEqual([
    [1, "who are you?", "Cygnet."],
    [3, "1+1?", "2"],
    [4, "alone", undefined],
    [5, "a text", undefined],
    [6, "hi", undefined],
  ]);
  expect(questions[0] && wholeText(questions[0])).toBe(
    "system: Be short.\n\nuser: hi\n\nassistant: hello\n\nuser: who are you?",
  );
  expect(questions[1] && wholeText(questions[1])).toBe("1+1?");
  expect(questions[0]?.asked).toEqual({ messages: messages.slice(0, -1), tools: undefined });
});

test("a plain text is a beginning and the rest, parted at a mark or in the middle", async () => {
  const path = file("text.jsonl", { text: "Q: one\nA: two\nQ: three\nA: four" }, { text: "table A: 1 A: 2" });
  const marked = await readQuestions(path, { answerMark: "A: " });
  expect(marked.map((each) => [askedText(each), each.reference])).toEqual([
    ["Q: one\nA: two\nQ: three\nA: ", "four"],
    ["table A: 1 A: ", "2"],
  ]);
  const [first] = await readQuestions(path);
  expect(first && [askedText(first), first.reference]).toEqual(["Q: one\nA: two\nQ:", "three\nA: four"]);
  await expect(readQuestions(path, { answerMark: "Answer" })).rejects.toThrow(
    'line 1: the text does not have "Answer"',
  );
});

test("a file that is not .jsonl has a prompt on each line", async () => {
  const questions = await readQuestions(file("plain.txt", "你好", "", "  {not json}\r"));
  expect(questions.map((each) => [each.place?.line, askedText(each)])).toEqual([
    [1, "你好"],
    [3, "  {not json}"],
  ]);
});

test("columns have the names that the run gave them", async () => {
  const path = file("columns.jsonl", { q: "x", a: "y" });
  const features = { prompt_feature: "q", completion_feature: "a", chat_feature: "c", text_feature: "t" };
  expect(await readQuestions(path, { features })).toMatchObject([{ reference: "y" }]);
});

test("all that cannot be asked is told with its line", async () => {
  const answerOnly = { messages: [{ role: "assistant", content: "a" }] };
  const path = file("bad.jsonl", { prompt: "a" }, "{", { question: "b" }, answerOnly, 5, { prompt: "" }, { text: "x" });
  const told = await readQuestions(path).catch((error: unknown) => String(error));
  for (const part of ["line 2: not JSON", "line 3: it has question", "line 4: the conversation has an answer only"]) {
    expect(told).toContain(part);
  }
  expect(told).toMatch(/line 5: not a JSON object/);
  expect(told).toMatch(/line 6: it has prompt[\s\S]*and 1 more/);
  await expect(readQuestions(file("empty.jsonl"))).rejects.toThrow("has no rows");
  await expect(readQuestions(join(folder, "absent.jsonl"))).rejects.toThrow("No data file");
});

test("a system prompt stands before what has none", () => {
  const asked = (text: string | undefined) => withSystemPrompt(typedQuestion("hi"), text).asked;
  expect(asked(undefined)).toEqual({ messages: [{ role: "user", content: "hi" }], tools: undefined });
  expect(asked("Be kind.")).toMatchObject({ messages: [{ role: "system", content: "Be kind." }, { role: "user" }] });
  const once = withSystemPrompt(typedQuestion("hi"), "one");
  expect(withSystemPrompt(once, "two")).toEqual(once);
});
