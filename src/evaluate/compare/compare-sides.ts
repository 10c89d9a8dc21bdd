import type { ComparedRow, Judgement, PerSide, SideAnswer, SideName } from "../../protocol/comparison.ts";
import type { Judge } from "../judge/judge.ts";
import type { Score } from "../scores/score.ts";
import type { AnswerOptions, Lane } from "./lane.ts";
import { askedText, type Question, wholeText } from "./questions.ts";

/** What one side answered. */
export interface Progress {
  side: SideName;
  /** Answers of both sides so far. */
  answers: number;
}

export interface CompareOptions {
  answering: AnswerOptions;
  /** Those that need a reference are left out where there is none. */
  scores: readonly Score[];
  judge: Judge | undefined;
  /** Called for each lane when it has answered all. */
  onLane?: ((lane: Lane) => Promise<void>) | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** The number of the first row; default: 1. */
  firstRow?: number;
}

/** Rows that the judge looks at while others are answered. */
const judgedAtATime = 4;

/**
 * Puts each question to both sides and scores their answers; rows come in the order of the questions.
 * @param lanes models that together answer for both sides; each is asked all questions before the next is taken
 */
export async function* compareSides(
  questions: readonly Question[],
  lanes: Iterable<Lane> | AsyncIterable<Lane>,
  options: CompareOptions,
): AsyncGenerator<ComparedRow, void> {
  const { judge, scores, firstRow = 1 } = options;
  const compared = async ({ index, question, answers }: AnsweredQuestion): Promise<ComparedRow> => {
    const row = rowOf(question, answers, scores, firstRow + index);
    const { reference, base, tuned } = row;
    const pair = { question: wholeText(question), reference, base: base.answer, tuned: tuned.answer };
    const judged = await judge?.compare(pair);
    return judged ? { ...row, scores: withVerdict(row.scores, judged), judge: judged } : row;
  };
  yield* inOrder(answered(questions, lanes, options), judge ? judgedAtATime : 1, compared);
}

interface AnsweredQuestion {
  index: number;
  question: Question;
  answers: PerSide<SideAnswer>;
}

/** Questions that both sides have answered. */
async function* answered(
  questions: readonly Question[],
  lanes: Iterable<Lane> | AsyncIterable<Lane>,
  { answering, onLane, onProgress }: CompareOptions,
): AsyncGenerator<AnsweredQuestion, void> {
  const known = questions.map((question): { question: Question } & Partial<PerSide<SideAnswer>> => ({ question }));
  let answers = 0;
  for await (const lane of lanes) {
    for await (const { index, side, answer } of lane.answers(questions, answering)) {
      const each = known[index];
      if (!each) continue;
      each[side] = answer;
      onProgress?.({ side, answers: ++answers });
      const { question, base, tuned } = each;
      if (base && tuned) yield { index, question, answers: { base, tuned } };
    }
    if (answering.signal?.aborted) return;
    await onLane?.(lane);
  }
}

function rowOf(question: Question, answers: PerSide<SideAnswer>, scores: readonly Score[], row: number): ComparedRow {
  const { place, asked, reference } = question;
  const possible = scores.filter(({ needsReference }) => reference !== undefined || !needsReference);
  const of = (score: Score, side: SideName) => score.of(answers[side].answer, reference ?? "");
  const isLong = "messages" in asked && asked.messages.length > 1;
  return {
    type: "row",
    row,
    file: place?.file ?? null,
    line: place?.line ?? null,
    prompt: askedText(question),
    ...(isLong && { messages: asked.messages }),
    reference: reference ?? null,
    ...answers,
    scores: Object.fromEntries(
      possible.map((score) => [score.name, { base: of(score, "base"), tuned: of(score, "tuned") }]),
    ),
  };
}

/** A verdict as a score: 1 for the better side, half for each in a tie. */
function withVerdict(scores: ComparedRow["scores"], { verdict }: Judgement): ComparedRow["scores"] {
  if (verdict === null) return scores;
  const tuned = verdict === "tie" ? 0.5 : Number(verdict === "tuned");
  return { judge: { base: 1 - tuned, tuned }, ...scores };
}

/** Runs a task on what comes, a few at a time; results keep the order. */
async function* inOrder<In, Out>(
  source: AsyncIterable<In>,
  atATime: number,
  task: (each: In) => Promise<Out>,
): AsyncGenerator<Out, void> {
  const pending: Promise<Out>[] = [];
  for await (const each of source) {
    const result = task(each);
    result.catch(() => {}); // told when its turn comes
    pending.push(result);
    const first = pending.length >= atATime ? pending.shift() : undefined;
    if (first) yield await first;
  }
  for (const result of pending) yield await result;
}
