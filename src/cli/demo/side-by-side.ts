import { displayWidth, padEnd } from "../text-width.ts";

/** Texts beside each other in columns of equal width, wrapped; a terminal of `columns` columns. */
export function sideBySide(rows: readonly (readonly [string, string])[], columns: number): string {
  const width = Math.max(20, Math.floor((Math.min(columns, 120) - 5) / 2));
  return rows
    .map(([left, right]) => {
      const [leftLines, rightLines] = [wrap(left, width), wrap(right, width)];
      const height = Math.max(leftLines.length, rightLines.length);
      return Array.from(
        { length: height },
        (_, i) => `  ${padEnd(leftLines[i] ?? "", width)} │ ${rightLines[i] ?? ""}\n`,
      ).join("");
    })
    .join("");
}

/** Lines of at most `width` columns, broken at spaces where there are any. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.match(/[\u0021-\u2e7f]+\s*|\s+|./gsu) ?? []) {
      if (line !== "" && displayWidth(line) + displayWidth(word.trimEnd()) > width) {
        lines.push(line.trimEnd());
        line = "";
      }
      line += word;
    }
    lines.push(line.trimEnd());
  }
  return lines;
}
