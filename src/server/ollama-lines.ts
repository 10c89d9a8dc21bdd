import type { AnswerDelta, AnswerEnd } from "./answer.ts";
import { addCalls, argumentsOf, type WholeCall } from "./tool-use.ts";

/** A piece of an answer with whole calls: Ollama streams no parts of them. */
export interface OllamaPiece {
  text: string;
  thinking: string;
  calls: readonly WholeCall[];
}

export const nothing: OllamaPiece = { text: "", thinking: "", calls: [] };

/** As /api/chat has it. */
export function messageOf({ text, thinking, calls }: OllamaPiece): object {
  const tool_calls = calls.map((call) => ({ function: { name: call.name, arguments: argumentsOf(call) } }));
  return {
    message: {
      role: "assistant",
      content: text,
      ...(thinking !== "" && { thinking }),
      ...(calls.length > 0 && { tool_calls }),
    },
  };
}

/** What every line begins with. */
export interface LineHead {
  model: string;
  /** When the request came, by `process.hrtime.bigint`. */
  start: bigint;
}

export function lineOf({ model }: LineHead, value: object): object {
  return { model, created_at: new Date().toISOString(), ...value };
}

/** An answer as Ollama streams it: a line for each piece, and one with counts and times at the end. */
export async function* ollamaLines(
  pieces: AsyncGenerator<AnswerDelta, AnswerEnd>,
  head: LineHead,
  shape: (piece: OllamaPiece) => object,
): AsyncGenerator<object> {
  const line = (value: object): object => lineOf(head, value);
  let first = 0n;
  const calls: WholeCall[] = [];
  let told = 0;
  let step = await pieces.next();
  for (; !step.done; step = await pieces.next()) {
    if (first === 0n) first = process.hrtime.bigint();
    const { text, thinking } = step.value;
    addCalls(calls, step.value.calls);
    const whole = calls.slice(told, -1); // the last one may go on
    told += whole.length;
    if (text !== "" || thinking !== "" || whole.length > 0)
      yield line({ ...shape({ text, thinking, calls: whole }), done: false });
  }
  if (told < calls.length) yield line({ ...shape({ ...nothing, calls: calls.slice(told) }), done: false });
  yield line({ ...shape(nothing), ...ollamaEnding(step.value, head, first) });
}

/** Times in nanoseconds; first: when the first piece came, where that is known. */
export function ollamaEnding(end: AnswerEnd, { start }: LineHead, first = 0n): object {
  const now = process.hrtime.bigint();
  const begun = first || start;
  return {
    done: true,
    done_reason: end.finishReason === "length" ? "length" : "stop",
    total_duration: Number(now - start),
    load_duration: 0,
    prompt_eval_count: end.promptTokens,
    prompt_eval_duration: Number(begun - start),
    eval_count: end.completionTokens,
    eval_duration: Number(now - begun),
  };
}
