import { displayWidth, padEnd } from "./text-width.ts";

/** Rows as lines, the first `left` columns flush left, the others flush right. */
export function textTable(rows: readonly (readonly string[])[], left = 1): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => displayWidth(row[i] ?? ""))));
  const line = (row: readonly string[]) =>
    widths
      .map((width, i) => {
        const cell = row[i] ?? "";
        return i < left ? padEnd(cell, width) : " ".repeat(width - displayWidth(cell)) + cell;
      })
      .join("  ")
      .trimEnd();
  return `${rows.map(line).join("\n")}\n`;
}
