import { basename } from "node:path";
import { outcome } from "../../evaluate/compare/summary.ts";
import {
  forgettingText,
  perplexityText,
  remarks,
  scoresTable,
  scoreTitle,
  valueText,
  word,
} from "../../evaluate/compare/summary-tables.ts";
import type { ComparedRow, ComparisonSummary, SideAnswer } from "../../protocol/comparison.ts";
import { say } from "../../protocol/language.ts";
import type { CompareWord } from "../../protocol/messages/compare.ts";
import { sideBySide, wrap } from "../side-by-side.ts";
import { textTable } from "../text-table.ts";
import { displayWidth } from "../text-width.ts";

/** Lines of a prompt or a reference that are shown; the files have all. */
const shownLines = 6;
const widest = 160;

/** A row for the terminal: the prompt, both answers beside each other, and how they were scored. */
export function rowText(row: ComparedRow, { total, columns }: { total: number | undefined; columns: number }): string {
  const width = Math.min(columns, widest) - 1;
  const count = total === undefined ? String(row.row) : `${row.row}/${total}`;
  const place = row.file === null ? "" : ` · ${basename(row.file)}:${row.line}`;
  const head = `── ${count}${place} `;
  const asked = block(row.prompt, width);
  const wanted = row.reference === null ? "" : block(labelled("reference", row.reference), width);
  const both = sideBySide(
    [
      [word("base"), word("tuned")],
      [shown(row.base), shown(row.tuned)],
    ],
    columns,
  );
  const scores = packed(scoreParts(row), width - 2);
  const rule = "─".repeat(Math.max(0, width - displayWidth(head)));
  return `${head}${rule}\n${asked}${wanted}\n${both}${scores.map((line) => `  ${line}\n`).join("")}\n`;
}

/** All rows together: a table, and what it says in words. */
export function summaryText(summary: ComparisonSummary): string {
  const { scores, likelihood } = summary;
  const table = scoresTable(summary, true);
  const perplexity = likelihood && [
    word("perplexity"),
    perplexityText(likelihood.base.perplexity),
    perplexityText(likelihood.tuned.perplexity),
  ];
  const lines = Object.keys(scores).length > 0 ? textTable(perplexity ? [...table, perplexity] : table) : "";
  const told = [forgettingText(summary), ...remarks(summary)].filter((each) => each !== undefined);
  return [lines, ...told.map((each) => `${each}\n`)].filter((each) => each !== "").join("");
}

/** Control characters would move the cursor or change colours. */
export function printable(text: string): string {
  return text
    .replaceAll("\t", "    ")
    .replace(/\r\n?/g, "\n")
    .replace(/(?!\n)\p{Control}/gu, "\ufffd");
}

function labelled(label: CompareWord, text: string): string {
  return say("compare/labelled", { label: word(label), text });
}

function shown({ answer, thinking }: SideAnswer): string {
  const text = answer === "" ? word("empty") : printable(answer);
  return thinking === undefined ? text : `[${word("thinking")}: ${thinking.length}]\n${text}`;
}

function block(text: string, width: number): string {
  const lines = wrap(printable(text.trim()), width - 2);
  const kept = lines.length > shownLines ? [...lines.slice(0, shownLines - 1), "…"] : lines;
  return kept.map((line) => `  ${line}\n`).join("");
}

/** Parts beside each other, as many in a line as it takes. */
function packed(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length > 0 ? `${lines.at(-1)} · ${part}` : part;
    if (lines.length > 0 && displayWidth(longer) <= width) lines.splice(-1, 1, longer);
    else lines.push(part);
  }
  return lines;
}

function scoreParts(row: ComparedRow): string[] {
  const mark = (name: string) => ({ 1: " ▲", 0: "", [-1]: " ▼" })[outcome(row, name) ?? 0];
  const parts = Object.entries(row.scores)
    .filter(([name]) => name !== "judge")
    .map(([name, { base, tuned }]) => `${scoreTitle(name)} ${valueText(base)} → ${valueText(tuned)}${mark(name)}`);
  const { verdict } = row.judge ?? {};
  if (verdict) parts.unshift(labelled("judge", word(verdict === "tie" ? "ties" : verdict)));
  const [base, tuned] = [row.base.reference, row.tuned.reference];
  if (base && tuned) {
    const mean = ({ log_likelihood, tokens }: typeof base) => valueText(log_likelihood / tokens);
    parts.push(`${word("likelihood")} ${mean(base)} → ${mean(tuned)}${mark("log-likelihood")}`);
  }
  return parts;
}
