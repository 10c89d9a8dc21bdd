import { expect, test } from "vitest";
import { sideBySide } from "./side-by-side.ts";
import { displayWidth } from "./text-width.ts";

const rows = [
  ["base", "tuned"],
  ["一二三四五六七八九十 and some words", `https://example.org/${"long".repeat(20)}`],
] as const;

test.each([50, 80, 200])("two texts stand beside each other on %d columns", (columns) => {
  const lines = sideBySide(rows, columns).trimEnd().split("\n");
  for (const line of lines) {
    expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    expect(line).toContain("│");
  }
  expect(new Set(lines.map((line) => displayWidth(line.split("│")[0] ?? ""))).size).toBe(1);
});

test("on a narrow terminal the second text follows the first, with a bar", () => {
  const lines = sideBySide(rows, 30).trimEnd().split("\n");
  for (const line of lines) expect(displayWidth(line)).toBeLessThan(30);
  expect(lines.slice(0, 3)).toEqual(["  base", "│ tuned", "  一二三四五六七八九十 and"]);
  expect(lines.at(-1)).toMatch(/^│ /);
});
