import { UserError } from "../protocol/user-error.ts";
import type { ChatMessage } from "../tokenizer/messages.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { assistantSpans, type Span } from "./assistant-spans.ts";
import type { ChatRow, Row, TextRow } from "./row.ts";

export interface SampleOptions {
  /** Train on the assistant's turns only. */
  maskPrompt?: boolean;
  /** Do as mlx-lm does: only the last message is a target, and tool arguments reach the template as they are. */
  compat?: boolean;
}

/** A row as token ids, and which of them are learnt. */
export interface Sample {
  ids: number[];
  /** mlx-lm's offset: the tokens before the first target under `maskPrompt`, else 0. In compat mode it may exceed `ids`. */
  promptLength: number;
  /** Half-open ranges of positions in `ids` whose tokens are trained on, ascending; position 0 is never one. */
  targets: [start: number, end: number][];
  row: Row;
}

/** Rows are encoded this many at a time, on the tokenizer's own threads. */
const chunkSize = 64;
const shownRows = 5;

/** The row as a sample. A conversation that the template refuses is a UserError with file and line. */
export async function tokenizeRow(row: Row, tokenizer: Tokenizer, options: SampleOptions = {}): Promise<Sample> {
  if (row.form === "text") return tokenizeText(row, tokenizer, options);
  try {
    return await tokenizeChat(row, tokenizer, options);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== "tokenizer/template-failed") throw error;
    throw new UserError("data/row-not-rendered", { file: row.file, line: row.line, reason: error.message });
  }
}

/** All rows as samples, in order, cut to `maxSeqLength` tokens. Rows that fail are told together. */
export async function tokenizeRows(
  rows: readonly Row[],
  tokenizer: Tokenizer,
  options: SampleOptions & { maxSeqLength?: number } = {},
): Promise<{ samples: Sample[]; truncated: number }> {
  const { maxSeqLength = Number.POSITIVE_INFINITY } = options;
  const samples: Sample[] = [];
  const errors: UserError[] = [];
  const add = (row: Row) =>
    tokenizeRow(row, tokenizer, options).catch((error: unknown) => {
      if (!(error instanceof UserError) || !isAboutOneRow(error)) throw error;
      return error;
    });
  for (let start = 0; start < rows.length; start += chunkSize) {
    for (const result of await Promise.all(rows.slice(start, start + chunkSize).map(add))) {
      if (result instanceof UserError) errors.push(result);
      else samples.push(result);
    }
  }
  const [first, ...others] = errors;
  if (first && others.length === 0) throw first;
  if (first) {
    const problems = errors.slice(0, shownRows).map((error) => error.message);
    throw new UserError("data/rows-failed", { problems, more: errors.length - problems.length });
  }
  const truncated = samples.filter((sample) => sample.ids.length > maxSeqLength).length;
  return { samples: samples.map((sample) => truncate(sample, maxSeqLength)), truncated };
}

function isAboutOneRow({ code }: UserError): boolean {
  return code === "data/row-not-rendered" || code === "data/turn-not-found" || code === "data/call-not-rendered";
}

/** The sample's first `maxSeqLength` tokens. */
export function truncate(sample: Sample, maxSeqLength: number): Sample {
  if (sample.ids.length <= maxSeqLength) return sample;
  const targets = sample.targets
    .map(([start, end]): Span => [start, Math.min(end, maxSeqLength)])
    .filter(([start, end]) => start < end);
  return { ...sample, ids: sample.ids.slice(0, maxSeqLength), targets };
}

/** Ends with a UserError that lists the rows of which no token would be trained on. */
export function requireTargets(samples: readonly Sample[]): void {
  const empty = samples.filter((sample) => sample.targets.length === 0).map(({ row }) => `${row.file}:${row.line}`);
  if (empty.length === 0) return;
  const more = Math.max(0, empty.length - shownRows);
  throw new UserError("data/rows-without-target", { rows: empty.slice(0, shownRows), more });
}

async function tokenizeText(row: TextRow, tokenizer: Tokenizer, { maskPrompt }: SampleOptions): Promise<Sample> {
  if (maskPrompt) throw new UserError("data/mask-prompt-on-text", { file: row.file });
  const ids = await tokenizer.encode(row.text);
  const end = tokenizer.eosTokenId;
  if (end !== undefined && ids.at(-1) !== end) ids.push(end);
  return wholeSample(row, ids);
}

async function tokenizeChat(row: ChatRow, tokenizer: Tokenizer, options: SampleOptions): Promise<Sample> {
  const { messages } = row;
  const render = (part: readonly ChatMessage[], addGenerationPrompt: boolean) =>
    tokenizer.render(part, { tools: row.tools, addGenerationPrompt, keepArguments: options.compat });
  const text = render(messages, false);
  if (!options.compat) requireCalls(row, text);
  if (!options.maskPrompt) return wholeSample(row, await tokenizer.encode(text, { addSpecialTokens: false }));
  if (options.compat) {
    const ids = await tokenizer.encode(text, { addSpecialTokens: false });
    const prompt = render(messages.slice(0, -1), messages.at(-1)?.role === "assistant");
    const promptLength = (await tokenizer.encode(prompt, { addSpecialTokens: false })).length;
    return { ids, promptLength, targets: rangeOf(promptLength, ids.length), row };
  }
  const spans = assistantSpans(text, { messages, render, endTexts: [...tokenizer.addedTokens.keys()] });
  const lost = spans.indexOf(undefined);
  if (lost >= 0) throw new UserError("data/turn-not-found", { file: row.file, line: row.line, turn: lost + 1 });
  const { ids, ranges } = await tokenizer.encodeWithRanges(text);
  const targets = spans.flatMap((span) => (span ? tokensIn(span, ranges) : []));
  return { ids, promptLength: targets[0]?.[0] ?? ids.length, targets, row };
}

/** A template without tool calls would leave an empty answer to be learnt. */
function requireCalls({ messages, file, line }: ChatRow, text: string): void {
  const names = messages.flatMap((message) => (message.tool_calls ?? []).map((call) => call.function?.name ?? ""));
  const lost = names.find((name) => !text.includes(name));
  if (lost !== undefined) throw new UserError("data/call-not-rendered", { file, line, name: lost });
}

function wholeSample(row: Row, ids: number[]): Sample {
  return { ids, promptLength: 0, targets: rangeOf(1, ids.length), row };
}

function rangeOf(start: number, end: number): Sample["targets"] {
  const first = Math.max(1, start);
  return first < end ? [[first, end]] : [];
}

/** The tokens that have text in `span`. A word that carries the blank before the span belongs to it. */
function tokensIn([start, end]: Span, ranges: readonly Span[]): Sample["targets"] {
  const isInside = ([from, to]: Span) => to > start && from < end;
  const first = ranges.findIndex(isInside);
  return first < 0 ? [] : rangeOf(first, ranges.findLastIndex(isInside) + 1);
}
