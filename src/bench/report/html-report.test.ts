import { afterEach, expect, test } from "vitest";
import type { BenchResult, LevelResult, RequestRecord } from "../../protocol/bench-result.ts";
import { setLanguage } from "../../protocol/language.ts";
import { levelFigures } from "../level-figures.ts";
import { htmlReport } from "./html-report.ts";

afterEach(() => setLanguage("en"));

function level(parallel: number): LevelResult {
  const records = Array.from({ length: 5 }, (_, i): RequestRecord => {
    const chunk_ms = [10 * parallel + i, 20 * parallel + i, 30 * parallel + i];
    const counts = { prompt_tokens: 4, completion_tokens: 3, tokens_from: "usage" as const };
    return { start_ms: i, latency_ms: 30 * parallel + i, chunk_ms, ...counts, failure: null, lateness_ms: null };
  });
  const failure = { kind: "status" as const, status: 429, message: "<script>busy</script>", retry_after_s: 2 };
  const failed: RequestRecord = { ...(records[0] ?? level(1).records[0]), ...lost, failure };
  return levelFigures({ load: { parallel }, records: [...records, failed], wantedPromptTokens: [], testerBusy: 0.95 });
}
const lost = {
  start_ms: 0,
  latency_ms: 1,
  chunk_ms: [],
  prompt_tokens: null,
  completion_tokens: null,
  tokens_from: "none" as const,
  lateness_ms: null,
};

function result(name: string, loads: readonly number[]): BenchResult {
  return {
    kind: "cygnet bench serve",
    version: "1.0.0",
    name,
    url: "http://127.0.0.1:8080/v1/chat/completions",
    model: "m",
    started_at: "2026-01-01T00:00:00.000Z",
    settings: { parallel: loads, extra_args: { ignore_eos: true } },
    levels: loads.map(level),
  };
}

test.each(["en", "zh"] as const)(
  "a page needs nothing else and shows nothing as HTML that a server said (%s)",
  (language) => {
    setLanguage(language);
    const page = htmlReport([result("<b>run</b>", [1, 10, 50])]);
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|@import|url\(|<b>run/);
    expect(page).toContain("prefers-color-scheme: dark");
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(page.match(/<svg/g)).toHaveLength(8);
    expect(page).toContain(language === "zh" ? "每个点对应一级负载" : "Each point is one load");
    expect(page).toContain(language === "zh" ? "Retry-After 2 s" : "HTTP 429, Retry-After 2 s");
  },
);

test("one level has distributions and no curve over levels", () => {
  expect(htmlReport([result("a", [4])]).match(/<svg/g)).toHaveLength(4);
});

test("two results share their charts, and their figures stand side by side", () => {
  const page = htmlReport([result("before", [1, 10]), result("after", [1, 10, 50])]);
  expect(page.match(/<svg/g)).toHaveLength(4);
  expect(page).toMatch(/<th>before<\/th><th>after<\/th><th>change<\/th>/);
});

test("a level in which all failed is drawn without a point", () => {
  const broken = result("a", [1, 2]);
  const records = broken.levels.map(({ records: [, , , , , failed] }) => (failed ? [failed] : []));
  const levels = records.map((each, i) =>
    levelFigures({ load: { parallel: i + 1 }, records: each, wantedPromptTokens: [], testerBusy: 0 }),
  );
  expect(htmlReport([{ ...broken, levels }])).not.toMatch(/NaN|Infinity/);
});
