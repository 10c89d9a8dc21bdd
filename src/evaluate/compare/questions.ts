import { parseJsonLines, readUtf8 } from "../../data/json-lines.ts";
import { defaultFeatures, type Features, formOf, isObject, type Place, parseRow, type Row } from "../../data/row.ts";
import { say } from "../../protocol/language.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { ChatMessage } from "../../tokenizer/messages.ts";

/** What both sides are asked, and what a good answer is. */
export interface Question {
  /** Undefined for what was typed. */
  place: Place | undefined;
  /** A conversation that waits for an answer, or a text to go on with. */
  asked: { messages: ChatMessage[]; tools: unknown[] | undefined } | { text: string };
  /** The text of a good answer. */
  reference: string | undefined;
  /** The row of training data that it was, with the answer. */
  row: Row | undefined;
}

export interface QuestionOptions {
  /** The columns of rows; default: those of mlx-lm. */
  features?: Features;
  /** In rows of plain text the answer begins after the last of these; default: at the middle of the text. */
  answerMark?: string | undefined;
}

const shownProblems = 5;

/**
 * The questions of a file: rows of training data, whose last answer is the reference; `{"prompt": …}` or a JSON string alone; or,
 * in a file that is not .jsonl, a question on each line.
 * @throws UserError that names the lines that are none of these
 */
export async function readQuestions(path: string, options: QuestionOptions = {}): Promise<Question[]> {
  const text = await readUtf8(path);
  if (text === undefined) throw new UserError("data/no-file", { path });
  const read = /\.jsonl?$/.test(path) ? jsonQuestions(text, path, options) : plainQuestions(text, path);
  const problems = read.filter((each) => typeof each === "string");
  if (problems.length > 0) {
    const more = Math.max(0, problems.length - shownProblems);
    throw new UserError("data/bad-rows", { file: path, problems: problems.slice(0, shownProblems), more });
  }
  if (read.length === 0) throw new UserError("compare/no-prompts", { path });
  return read.filter((each) => typeof each !== "string");
}

/** A question that a person typed. */
export function typedQuestion(text: string): Question {
  return question(text, undefined);
}

/** The last thing that is asked, or the text to go on with. */
export function askedText({ asked }: Question): string {
  return "text" in asked ? asked.text : textOf(asked.messages.findLast(({ role }) => role === "user"));
}

/** All of what was said before the answer: of a conversation who said it, too. */
export function wholeText(question: Question): string {
  const { asked } = question;
  if ("text" in asked || asked.messages.length === 1) return askedText(question);
  return asked.messages.map((message) => `${message.role}: ${textOf(message)}`).join("\n\n");
}

/** A question after instructions; a conversation that has some keeps its own. */
export function withSystemPrompt(each: Question, system: string | undefined): Question {
  const { asked } = each;
  if (system === undefined || "text" in asked || asked.messages.some(({ role }) => role === "system")) return each;
  const first = { role: "system", content: system };
  const row =
    each.row?.form === "text" ? each.row : each.row && { ...each.row, messages: [first, ...each.row.messages] };
  return { ...each, row, asked: { ...asked, messages: [first, ...asked.messages] } };
}

function question(content: string, place: Place | undefined): Question {
  const asked = { messages: [{ role: "user", content }], tools: undefined };
  return { place, asked, reference: undefined, row: undefined };
}

function plainQuestions(text: string, file: string): Question[] {
  return text
    .split(/\r?\n/)
    .flatMap((line, index) => (line.trim() === "" ? [] : question(line, { file, line: index + 1 })));
}

function jsonQuestions(text: string, file: string, options: QuestionOptions): (Question | string)[] {
  return parseJsonLines(text).map(({ line, value, problem }) => {
    const found =
      problem === undefined
        ? questionOf(value, { file, line }, options)
        : say("data/problem-not-json", { reason: problem });
    return typeof found === "string" ? say("data/problem-line", { line, problem: found }) : found;
  });
}

/** The question of a row, or what is wrong with the row. */
function questionOf(value: unknown, place: Place, options: QuestionOptions): Question | string {
  const { features = defaultFeatures } = options;
  if (typeof value === "string") return question(value, place);
  if (!isObject(value)) return say("data/problem-not-an-object", {});
  const form = formOf(value, features);
  const prompt = value[features.prompt_feature];
  if (form === undefined) {
    if (typeof prompt === "string" && prompt !== "") return question(prompt, place);
    return say("data/problem-unknown-columns", { got: Object.keys(value), ...features });
  }
  const row = parseRow(value, form, features, place);
  if (typeof row === "string") return row;
  return row.form === "text"
    ? splitText(row.text, place, row, options)
    : conversation(row.messages, row.tools, row, place);
}

function conversation(
  messages: ChatMessage[],
  tools: unknown[] | undefined,
  row: Row,
  place: Place,
): Question | string {
  const last = messages.at(-1);
  const isAnswered = last?.role === "assistant";
  const open = isAnswered ? messages.slice(0, -1) : messages;
  if (open.length === 0) return say("compare/problem-only-an-answer", {});
  const reference = isAnswered ? textOf(last).trim() || undefined : undefined;
  return { place, asked: { messages: open, tools }, reference, row: isAnswered ? row : undefined };
}

function splitText(text: string, place: Place, row: Row, { answerMark }: QuestionOptions): Question | string {
  const at = answerMark === undefined ? middleOf(text) : endOfLast(text, answerMark);
  if (at === undefined) return say("compare/problem-no-mark", { mark: answerMark ?? "" });
  const [asked, reference] = [text.slice(0, at), text.slice(at)];
  if (asked.trim() === "" || reference.trim() === "") return say("compare/problem-short-text", {});
  return { place, asked: { text: asked }, reference: reference.trim(), row };
}

function endOfLast(text: string, mark: string): number | undefined {
  const at = text.lastIndexOf(mark);
  return at < 0 ? undefined : at + mark.length;
}

/** The end of the word in the middle; of a text without blanks there, the middle. */
function middleOf(text: string): number {
  const middle = Math.ceil(text.length / 2);
  const blank = text.slice(middle, middle + 24).search(/\s/);
  const at = blank < 0 ? middle : middle + blank;
  return /[\udc00-\udfff]/.test(text.charAt(at)) ? at + 1 : at;
}

/** The text of a message, of several parts too. */
function textOf(message: ChatMessage | undefined): string {
  const { content } = message ?? {};
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text }) => (typeof text === "string" ? text : "")).join("");
}
