import { expect, test } from "vitest";
import type { ComparedRow } from "../../protocol/comparison.ts";
import { displayWidth } from "../text-width.ts";
import { printable, rowText } from "./comparison-text.ts";

const side = (answer: string, log_likelihood: number) => ({
  answer,
  tokens: 9,
  finish_reason: "stop" as const,
  reference: { log_likelihood, tokens: 4 },
});
const row: ComparedRow = {
  type: "row",
  row: 7,
  file: "data/很长的名字/valid.jsonl",
  line: 12,
  prompt:
    "请用一句话介绍一下你自己，并说明你是由谁开发的。Please answer in both languages, and keep it short enough to read.",
  reference: "我是小鹅，由天鹅湖实验室开发。",
  base: side("我是 Cygnet，一个很小的语言模型，在你的电脑上运行，不会把你的话发到任何地方去。", -8),
  tuned: side(
    "我是小鹅，由天鹅湖实验室开发。\nI am little-swan, made by Swan Lake Lab, and I run on your own machine.",
    -1,
  ),
  scores: { "rouge-l": { base: 0.12, tuned: 0.9 }, chrf: { base: 0.1, tuned: 0.8 }, exact: { base: 0, tuned: 0 } },
};

test.each([80, 160])("a row reads well on %d columns, Chinese and English", (columns) => {
  const text = rowText(row, { total: 24, columns });
  const lines = text.trimEnd().split("\n");
  for (const line of lines) expect(displayWidth(line), line).toBeLessThan(columns);
  expect(lines[0]).toMatch(/^── 7\/24 · valid\.jsonl:12 ─+$/);
  expect(displayWidth(lines[0] ?? "")).toBe(columns - 1);
  const beside = lines.filter((line) => line.includes("│")).map((line) => displayWidth(line.split("│")[0] ?? ""));
  expect(beside.length).toBeGreaterThan(2);
  expect(new Set(beside).size).toBe(1);
  const parts = text.split(/ · |\n/).map((part) => part.trim());
  for (const part of ["ROUGE-L 0.120 → 0.900 ▲", "exact 0.000 → 0.000", "log-likelihood −2.000 → −0.250 ▲"]) {
    expect(parts).toContain(part);
  }
});

test("a long prompt is cut, an empty answer is named, and what would move the cursor is not printed", () => {
  const long = {
    ...row,
    prompt: "word ".repeat(2000),
    base: side("", -1),
    tuned: side("\u001b[31mred\r\nline\tend\u0007", -1),
  };
  const text = rowText(long, { total: undefined, columns: 80 });
  expect(text.split("\n").length).toBeLessThan(20);
  expect(text).toContain("(empty)");
  expect(text.replaceAll("\n", "")).not.toMatch(/\p{Control}/u);
  expect(printable("a\tb\r\nc\u001b")).toBe("a    b\nc\ufffd");
});
