import { z } from "zod";
import { htmlReport } from "../../bench/report/html-report.ts";
import { commonLevels, comparisonTable } from "../../bench/result-tables.ts";
import { readJsonFile, writeTextFile } from "../../core/text-file.ts";
import { BenchResult, type LevelResult } from "../../protocol/bench-result.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { BenchCompareConfig } from "../commands/bench-compare.ts";
import { textTable } from "../text-table.ts";
import type { Ui } from "../ui.ts";

export function benchCompare({ results: paths, html }: BenchCompareConfig, ui: Ui): Promise<void> {
  const [before, after, ...more] = withNamesApart(paths.map(readResult), paths);
  if (!before || !after || more.length > 0) throw new UserError("bench/two-results", { given: paths.length });
  const pairs = commonLevels(before, after);
  if (pairs.length === 0) throw new UserError("bench/no-common-level", {});
  ui.print(textTable(comparisonTable(before, after), 2));
  if (html !== undefined) {
    writeTextFile(html, htmlReport([before, after]));
    ui.say("bench/saved", { path: html });
  }
  ui.emit({
    before: before.name,
    after: after.name,
    levels: pairs.map(([a, b]) => ({ before: withoutRecords(a), after: withoutRecords(b) })),
  });
  return Promise.resolve();
}

function readResult(path: string): BenchResult {
  const parsed = BenchResult.safeParse(readJsonFile(path));
  if (parsed.success) return parsed.data;
  throw new UserError("bench/not-a-result", { path, problem: z.prettifyError(parsed.error).split("\n")[0] ?? "" });
}

/** Results of one model are told apart by their files. */
function withNamesApart(results: readonly BenchResult[], paths: readonly string[]): BenchResult[] {
  if (new Set(results.map(({ name }) => name)).size === results.length) return [...results];
  return results.map((result, i) => ({ ...result, name: paths[i] ?? result.name }));
}

function withoutRecords({ records: _, ...level }: LevelResult) {
  return level;
}
