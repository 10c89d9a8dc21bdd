import { z } from "zod";
import { say } from "../../protocol/language.ts";
import type { ChatMessage } from "../../tokenizer/messages.ts";
import { defaultFeatures, parseRow } from "../row.ts";
import { type Converted, convertHumanAssistant, convertShareGpt, systemOf } from "./conversations.ts";

export type FormName =
  | "messages"
  | "sharegpt"
  | "conversation"
  | "self-cognition"
  | "alpaca"
  | "prompt-completion"
  | "text";

/** One form of row that is recognised by its columns. */
export interface InputForm {
  name: FormName;
  matches(row: Record<string, unknown>): boolean;
  convert(row: Record<string, unknown>): Converted | { text: string };
}

/** Column names of questions with their answers, as data sets in circulation have them. */
const pairColumns = [
  ["prompt", "completion"],
  ["prompt", "response"],
  ["question", "answer"],
  ["query", "response"],
  ["query", "answer"],
  ["instruction", "response"],
  ["eng", "completion"],
  ["input", "output"],
] as const;

const Alpaca = z.looseObject({
  instruction: z.string(),
  input: z.string().nullish(),
  output: z.string(),
  history: z.array(z.tuple([z.string(), z.string()])).nullish(),
});

/** The forms, in the order in which they are asked; `columns` names a pair of columns to take before all others. */
export function inputForms(
  columns: { prompt?: string | undefined; completion?: string | undefined } = {},
): InputForm[] {
  const { prompt, completion } = columns;
  const own =
    prompt !== undefined && completion !== undefined ? [pairForm("prompt-completion", prompt, completion)] : [];
  return [
    ...own,
    { name: "messages", matches: (row) => "messages" in row, convert: convertMessages },
    { name: "sharegpt", matches: (row) => "conversations" in row, convert: convertShareGpt },
    { name: "conversation", matches: (row) => "conversation" in row, convert: convertHumanAssistant },
    {
      ...pairForm("self-cognition", "query", "response"),
      matches: (row) => "query" in row && "response" in row && "tag" in row,
    },
    { name: "alpaca", matches: (row) => "instruction" in row && "output" in row, convert: convertAlpaca },
    ...pairColumns.map(([question, answer]) => pairForm("prompt-completion", question, answer)),
    { name: "text", matches: (row) => "text" in row, convert: convertText },
  ];
}

/** The columns that show a row to be of preference data: better and worse answers, for DPO and its kin. */
export function preferenceColumns(row: Record<string, unknown>): string[] {
  const marks = ["chosen", "rejected", "chosen_messages", "rejected_messages", "kto_tag"].filter((key) => key in row);
  const isRated =
    typeof row.label === "boolean" && ("messages" in row || "completion" in row || "conversations" in row);
  return isRated ? [...marks, "label"] : marks;
}

function pairForm(name: FormName, prompt: string, completion: string): InputForm {
  return {
    name,
    matches: (row) => prompt in row && completion in row,
    convert(row) {
      const question = row[prompt];
      const answer = row[completion];
      const wrong = typeof question !== "string" ? prompt : completion;
      if (typeof question !== "string" || typeof answer !== "string") {
        return say("data/problem-wrong-type", { path: wrong, expected: "string" });
      }
      return { messages: [...systemOf(row), ...pair(question, answer)] };
    },
  };
}

function pair(question: string, answer: string): ChatMessage[] {
  return [
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ];
}

function convertMessages(row: Record<string, unknown>): Converted {
  const parsed = parseRow({ messages: row.messages, tools: row.tools }, "chat", defaultFeatures, { file: "", line: 0 });
  if (typeof parsed === "string") return parsed;
  if (parsed.form === "text") throw new Error("a row of messages was parsed as text");
  const { messages, tools } = parsed;
  return tools ? { messages, tools } : { messages };
}

function convertAlpaca(row: Record<string, unknown>): Converted {
  const parsed = Alpaca.safeParse(row);
  if (!parsed.success) {
    const path = String(parsed.error.issues[0]?.path[0] ?? "");
    return say("data/problem-wrong-type", {
      path,
      expected: path === "history" ? "[[question, answer], …]" : "string",
    });
  }
  const { instruction, input, output, history } = parsed.data;
  const question = [instruction, input ?? ""].filter((part) => part.trim() !== "").join("\n");
  const earlier = (history ?? []).flatMap(([asked, answered]) => pair(asked, answered));
  return { messages: [...systemOf(row), ...earlier, ...pair(question, output)] };
}

function convertText(row: Record<string, unknown>): { text: string } | string {
  return typeof row.text === "string"
    ? { text: row.text }
    : say("data/problem-wrong-type", { path: "text", expected: "string" });
}
