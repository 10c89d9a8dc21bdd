import { say } from "../../protocol/language.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { ChatMessage } from "../../tokenizer/messages.ts";
import { isObject, type Place } from "../row.ts";
import type { ConvertConfig } from "./config.ts";
import { type FormName, type InputForm, inputForms, preferenceColumns } from "./forms.ts";
import { fillPlaceholders } from "./placeholders.ts";
import { readInput } from "./read-input.ts";
import { splitRows } from "./split.ts";
import { requireNoData, writeSplit } from "./write-split.ts";

/** A row of the data files, in one of mlx-lm's forms. */
type OutputRow = { messages: ChatMessage[]; tools?: unknown[] } | { text: string };

export interface LeftOut extends Place {
  reason: string;
}

export interface ConvertReport {
  /** What was recognised in each file, the most frequent form first. */
  files: { file: string; forms: { form: FormName; rows: number }[] }[];
  rowsMade: number;
  /** Rows that are equal to one before them. They are kept. */
  duplicates: number;
  train: { file: string; rows: number };
  valid: { file: string; rows: number };
  leftOut: LeftOut[];
}

/** Turns data files into `{train,valid}.jsonl`. Nothing is written when nothing can be made of them. */
export async function convertFiles(config: ConvertConfig): Promise<ConvertReport> {
  if ((config.prompt_column === undefined) !== (config.completion_column === undefined)) {
    throw new UserError("data/convert-one-column", {});
  }
  await requireNoData(config.output, config.force);
  const forms = inputForms({ prompt: config.prompt_column, completion: config.completion_column });
  const rows: OutputRow[] = [];
  const leftOut: LeftOut[] = [];
  const files: ConvertReport["files"] = [];
  for (const file of config.inputs) {
    const counts = new Map<FormName, number>();
    for (const { line, value, problem } of await readInput(file)) {
      const form = isObject(value) ? forms.find((candidate) => candidate.matches(value)) : undefined;
      const row =
        problem === undefined
          ? convertRow(value, form, config, { file, line })
          : say("data/problem-not-json", { reason: problem });
      if (typeof row === "string") leftOut.push({ file, line, reason: row });
      else rows.push(row);
      if (form) counts.set(form.name, (counts.get(form.name) ?? 0) + 1);
    }
    const found = [...counts].map(([form, count]) => ({ form, rows: count }));
    files.push({ file, forms: found.sort((a, b) => b.rows - a.rows) });
  }
  requireOneForm(rows, leftOut);
  const { train, valid } = splitRows(rows, {
    validFraction: config.valid_fraction,
    seed: config.seed,
    shuffle: config.shuffle,
  });
  const written = await writeSplit(config.output, { train, valid });
  return {
    files,
    rowsMade: rows.length,
    duplicates: rows.length - new Set(rows.map((row) => JSON.stringify(row))).size,
    train: { file: written.train, rows: train.length },
    valid: { file: written.valid, rows: valid.length },
    leftOut,
  };
}

/** The row in its new form, or why it is left out. Preference data ends the conversion. */
function convertRow(
  value: unknown,
  form: InputForm | undefined,
  config: ConvertConfig,
  place: Place,
): OutputRow | string {
  if (!isObject(value)) return say("data/problem-not-an-object", {});
  const preference = preferenceColumns(value);
  if (preference.length > 0) throw new UserError("data/convert-preference", { ...place, columns: preference });
  if (form === undefined) return say("data/left-out-columns", { columns: Object.keys(value) });
  const converted = form.convert(value);
  if (typeof converted === "string") return converted;
  if ("text" in converted) {
    return converted.text.trim() === "" ? say("data/problem-empty", { path: "text" }) : converted;
  }
  const { messages, unfilled } = fillPlaceholders(converted.messages, config, value.tag);
  if (unfilled.length > 0) return say("data/left-out-placeholder", { placeholders: unfilled });
  return emptyTurn(messages) ?? { ...converted, messages };
}

/** Why a conversation teaches nothing: it has no answer, or an empty one. */
function emptyTurn(messages: readonly ChatMessage[]): string | undefined {
  const answers = messages.filter((message) => message.role === "assistant");
  if (answers.length === 0) return say("data/left-out-no-answer", {});
  const isEmpty = answers.some(
    ({ content, tool_calls }) =>
      !tool_calls?.length && (typeof content === "string" ? content.trim() === "" : !content?.length),
  );
  return isEmpty ? say("data/left-out-empty-answer", {}) : undefined;
}

function requireOneForm(rows: readonly OutputRow[], leftOut: readonly LeftOut[]): void {
  if (rows.length === 0) {
    const shown = leftOut.slice(0, 5).map(({ file, line, reason }) => `${file}:${line}: ${reason}`);
    throw new UserError("data/convert-nothing", { reasons: shown, more: leftOut.length - shown.length });
  }
  const texts = rows.filter((row) => "text" in row).length;
  if (texts > 0 && texts < rows.length) {
    throw new UserError("data/convert-mixed", { texts, conversations: rows.length - texts });
  }
}
