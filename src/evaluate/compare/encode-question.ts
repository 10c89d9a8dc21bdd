import type { Row } from "../../data/row.ts";
import { tokenizeRow } from "../../data/sample.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { ChatMessage } from "../../tokenizer/messages.ts";
import type { RenderOptions, Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { Question } from "./questions.ts";

/** A text whose end is predicted: all tokens, and the place of the first that counts. */
export interface PredictedText {
  ids: number[];
  first: number;
}

export interface EncodedQuestion {
  prompt: number[];
  /** The prompt ends where the model is to think. */
  inThoughts: boolean;
  /** The prompt with the reference; undefined where there is none, or where it cannot be found in what the template makes. */
  reference: PredictedText | undefined;
}

/** A question as a model is given it: through the chat template if there is one, else its texts as they are. */
export async function encodeQuestion(
  question: Question,
  tokenizer: Tokenizer,
  templateVariables: RenderOptions["templateVariables"],
): Promise<EncodedQuestion> {
  const { asked, row } = question;
  if ("text" in asked) {
    const prompt = await tokenizer.encode(asked.text);
    return { prompt, inThoughts: false, reference: row && after(prompt, (await tokenizeRow(row, tokenizer)).ids) };
  }
  if (!tokenizer.hasChatTemplate) {
    const text = plainText(asked.messages);
    const whole = question.reference && (await tokenizer.encode(`${text}\n${question.reference}`));
    const prompt = await tokenizer.encode(text);
    return { prompt, inThoughts: false, reference: whole ? after(prompt, whole) : undefined };
  }
  const text = rendered(question, () =>
    tokenizer.render(asked.messages, { tools: asked.tools, addGenerationPrompt: true, templateVariables }),
  );
  const prompt = await tokenizer.encode(text, { addSpecialTokens: false });
  const inThoughts = text.trimEnd().endsWith("<think>");
  return { prompt, inThoughts, reference: row && (await lastAnswer(row, tokenizer)) };
}

/** What the template refuses is told with file and line. */
function rendered({ place }: Question, render: () => string): string {
  try {
    return render();
  } catch (error) {
    if (!place || !(error instanceof UserError) || error.code !== "tokenizer/template-failed") throw error;
    throw new UserError("data/row-not-rendered", { ...place, reason: error.message });
  }
}

/** The messages without instructions, as they are given to a model that has no chat template. */
export function plainText(messages: readonly ChatMessage[]): string {
  const texts = messages.filter(({ role }) => role !== "system").map(({ content }) => content);
  return texts.filter((each) => typeof each === "string").join("\n");
}

/** The last answer of a conversation as it is trained on: with the token that ends it. */
export async function lastAnswer(row: Row, tokenizer: Tokenizer): Promise<PredictedText | undefined> {
  try {
    const { ids, targets } = await tokenizeRow(row, tokenizer, { maskPrompt: true });
    const [first, end] = targets.at(-1) ?? [];
    return first === undefined || end === undefined ? undefined : { ids: ids.slice(0, end), first };
  } catch (error) {
    if (error instanceof UserError && notFound.has(error.code)) return undefined;
    throw error;
  }
}

const notFound: ReadonlySet<string> = new Set(["data/turn-not-found", "data/call-not-rendered"]);

/** What stands behind the tokens that a prompt shares with the whole text: the last of them may be longer there. */
function after(prompt: readonly number[], ids: number[]): PredictedText | undefined {
  const differs = prompt.findIndex((id, i) => id !== ids[i]);
  const first = Math.max(1, differs < 0 ? prompt.length : differs);
  return first < ids.length ? { ids, first } : undefined;
}
