import { expect, test } from "vitest";
import { percentile, summarize } from "./statistics.ts";

test("a percentile lies on a straight line between the two nearest values, as in NumPy", () => {
  const values = [15, 20, 35, 40, 50];
  expect(percentile(values, 40)).toBeCloseTo(29, 12);
  expect(percentile(values, 90)).toBeCloseTo(46, 12);
  expect(percentile([7], 99)).toBe(7);
});

test("a summary is of the sorted values, whatever their order", () => {
  const values = Array.from({ length: 101 }, (_, i) => (i * 37) % 101);
  expect(summarize(values)).toEqual({ mean: 50, p50: 50, p90: 90, p95: 95, p99: 99, min: 0, max: 100 });
});

test("no values have no summary", () => {
  expect(summarize([])).toBeNull();
});
