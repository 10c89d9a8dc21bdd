import type { Engine } from "../engine/engine.ts";
import { abortWith } from "./abort-with.ts";
import { type AnswerDelta, type AnswerEnd, type AnswerRequest, answer, emptyDelta } from "./answer.ts";
import { addCalls, type WholeCall } from "./tool-use.ts";

/** An answer with all of its pieces put together. */
export interface WholeAnswer extends Omit<AnswerDelta, "calls"> {
  calls: WholeCall[];
  end: AnswerEnd;
}

/** One answer to each request, in their order. When one fails, the others end too. @throws UserError when the engine cannot. */
export async function wholeAnswers(
  engine: Engine,
  requests: readonly AnswerRequest[],
  signal: AbortSignal,
): Promise<WholeAnswer[]> {
  const abort = abortWith(signal);
  try {
    return await Promise.all(requests.map((request) => whole(answer(engine, request, abort.signal))));
  } catch (error) {
    abort.abort();
    throw error;
  }
}

/** @throws UserError when the engine cannot. */
export async function wholeAnswer(engine: Engine, request: AnswerRequest, signal: AbortSignal): Promise<WholeAnswer> {
  return whole(answer(engine, request, signal));
}

async function whole(pieces: AsyncGenerator<AnswerDelta, AnswerEnd>): Promise<WholeAnswer> {
  const found: Omit<WholeAnswer, "end"> = { ...emptyDelta(), calls: [] };
  for (;;) {
    const step = await pieces.next();
    if (step.done) return { ...found, end: step.value };
    found.text += step.value.text;
    found.thinking += step.value.thinking;
    found.tokens.push(...step.value.tokens);
    addCalls(found.calls, step.value.calls);
  }
}
