import type { BenchResult } from "../../protocol/bench-result.ts";
export function htmlReport(results: readonly BenchResult[]): string {
  return JSON.stringify(results);
}
