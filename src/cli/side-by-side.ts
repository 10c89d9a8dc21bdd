import { displayWidth, padEnd } from "./text-width.ts";

/** Columns below which two texts have no room beside each other. */
const narrow = 50;

/** Texts beside each other in columns of equal width, wrapped; on a narrow terminal below each other, the second with a bar. */
export function sideBySide(rows: readonly (readonly [string, string])[], columns: number): string {
  const width = Math.floor((Math.min(columns, 160) - 5) / 2);
  return rows
    .map(([left, right]) => (columns < narrow ? below(left, right, columns) : beside(left, right, width)))
    .join("");
}

function beside(left: string, right: string, width: number): string {
  const [leftLines, rightLines] = [wrap(left, width), wrap(right, width)];
  const height = Math.max(leftLines.length, rightLines.length);
  const line = (i: number) => `  ${padEnd(leftLines[i] ?? "", width)} │ ${rightLines[i] ?? ""}\n`;
  return Array.from({ length: height }, (_, i) => line(i)).join("");
}

function below(left: string, right: string, columns: number): string {
  if (left === "" && right === "") return "\n";
  const width = Math.max(8, columns - 4);
  return [...wrap(left, width).map((line) => `  ${line}\n`), ...wrap(right, width).map((line) => `│ ${line}\n`)].join(
    "",
  );
}

/** Lines of at most `width` columns, broken at spaces where there are any. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of wordsOf(paragraph, width)) {
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

/** Words with the spaces after them, and single Chinese characters; what is longer than a line comes in pieces. */
function wordsOf(text: string, width: number): string[] {
  const words = text.match(/[\u0021-\u2e7f]+\s*|\s+|./gsu) ?? [];
  return words.flatMap((word) => (displayWidth(word.trimEnd()) > width ? [...word] : [word]));
}
