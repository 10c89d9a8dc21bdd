import { afterEach, expect, test } from "vitest";
import { ComparedRow, ComparisonSummary, type Likelihood } from "../../protocol/comparison.ts";
import { setLanguage } from "../../protocol/language.ts";
import { comparisonPage } from "./comparison-page.ts";
import { type RunFacts, summarizeRows } from "./summary.ts";
import { remarks } from "./summary-tables.ts";

afterEach(() => setLanguage("en"));

function rowOf(row: number, base: string, tuned: string, changes: Partial<ComparedRow> = {}): ComparedRow {
  const side = (answer: string, log_likelihood: number) => {
    const reference: Likelihood = { log_likelihood, tokens: 4 };
    return { answer, tokens: 3, finish_reason: "stop" as const, reference };
  };
  return {
    type: "row",
    row,
    file: "valid.jsonl",
    line: row,
    prompt: "<b>who?</b>",
    reference: "</script>swan",
    base: side(base, -8),
    tuned: side(tuned, -2),
    scores: { exact: { base: 0, tuned: Number(tuned === "swan") } },
    ...changes,
  };
}

const facts: RunFacts = {
  version: "1.0.0",
  started_at: "2026-01-01T00:00:00.000Z",
  prompts: "valid.jsonl",
  left_out: 0,
  interrupted: false,
  sides: { base: { model: "<i>m</i>", adapter: null }, tuned: { model: "m", adapter: "runs/a" } },
  same_tokens: true,
  judge: undefined,
  forgetting: null,
  settings: { max_tokens: 256, score: ["exact"] },
};
const rows = [rowOf(1, "model", "swan"), rowOf(2, "goose", "goose"), rowOf(3, "a", "<img src=x onerror=alert(1)>")];

test("what all rows say together", () => {
  const summary = summarizeRows(rows, facts);
  expect(ComparisonSummary.parse(summary)).toEqual(summary);
  expect(rows.map((row) => ComparedRow.parse(row))).toEqual(rows);
  expect(summary).toMatchObject({ rows: 3, with_reference: 3, identical: 1, unmeasured: 0 });
  expect(summary.scores.exact).toMatchObject({
    rows: 3,
    base: 0,
    tuned: 1 / 3,
    wins: 1,
    losses: 0,
    ties: 2,
    p_value: 1,
  });
  expect(summary.scores["log-likelihood"]).toMatchObject({ base: -2, tuned: -0.5, wins: 3 });
  expect(summary.scores["log-likelihood"]?.p_value).toBeCloseTo(0.25, 10);
  expect(summary.likelihood?.base.perplexity).toBeCloseTo(Math.exp(2), 10);
});

test("means per token are not given where the sides have different tokens; rows are compared all the same", () => {
  const summary = summarizeRows(rows, { ...facts, same_tokens: false });
  expect(summary.scores["log-likelihood"]).toMatchObject({ base: null, tuned: null, wins: 3 });
});

test("rows without a verdict of the judge are counted apart", () => {
  const problem = { kind: "malformed", text: "[[C]]" } as const;
  const judged = [
    rowOf(1, "a", "b", { judge: { verdict: "tuned", base_first: "tuned", tuned_first: "tuned" } }),
    rowOf(2, "a", "b", { judge: { verdict: "tie", base_first: "tuned", tuned_first: "base" } }),
    rowOf(3, "a", "b", { judge: { verdict: null, base_first: null, tuned_first: "base", problem } }),
  ].map((row) => {
    const verdict = row.judge?.verdict;
    const tuned = verdict === "tuned" ? 1 : 0.5;
    return verdict ? { ...row, scores: { judge: { base: 1 - tuned, tuned } } } : row;
  });
  const { judge, scores } = summarizeRows(judged, { ...facts, judge: "m" });
  expect(judge).toEqual({ model: "m", contradictory: 1, malformed: 1, failed: 0, first_failure: "[[C]]" });
  expect(scores.judge).toMatchObject({ rows: 2, base: null, wins: 1, losses: 0, ties: 1, win_rate: 0.75 });
});

test("answers that were cut, and such as never left their thoughts, are remarked on", () => {
  const thought = rowOf(4, "", "b");
  thought.base = { ...thought.base, thinking: "Hm", finish_reason: "length" };
  const told = remarks(summarizeRows([thought], facts)).join("\n");
  expect(told).toContain("1 of 1 answers (base) was cut at 256 tokens");
  expect(told).toContain("1 answer (base) ended within thoughts");
  expect(told).not.toContain("(tuned)");
});

test.each(["en", "zh"] as const)("a page needs nothing else and shows as text what models said (%s)", (language) => {
  setLanguage(language);
  const page = comparisonPage(rows, summarizeRows(rows, facts));
  expect(page).not.toMatch(/<link|<img|src="|href=|@import|url\(|<b>who|<i>m<|<\/script>swan/);
  expect(page.match(/<script>/g)).toHaveLength(1);
  expect(page).toContain("prefers-color-scheme: dark");
  expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  expect(page.match(/<article/g)).toHaveLength(3);
  expect(page).toContain(language === "zh" ? "微调后更好" : "tuned better");
  expect(page).toContain("&#34;exact&#34;:1");
});

test("without scores there is nothing to filter by, and no empty table", () => {
  const plain = rows.map((row) => {
    const { base, tuned } = row;
    return {
      ...row,
      reference: null,
      scores: {},
      base: { ...base, reference: null },
      tuned: { ...tuned, reference: null },
    };
  });
  const page = comparisonPage(plain, summarizeRows(plain, facts));
  expect(page).not.toMatch(/<select|<thead/);
  expect(page).toContain('id="search"');
});
