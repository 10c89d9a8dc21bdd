import type {
  ComparedRow,
  ComparisonSummary,
  Forgetting,
  JudgeSummary,
  Likelihood,
  PerSide,
  ScoreSummary,
  SideAnswer,
  SideName,
  SideSummary,
} from "../../protocol/comparison.ts";
import { comparePaired } from "../paired.ts";
import { predictedTexts } from "./general-texts.ts";

/** The name under which likelihoods of references are compared. */
export const likelihoodScore = "log-likelihood";

export interface RunFacts {
  version: string;
  started_at: string;
  prompts: string | null;
  left_out: number;
  interrupted: boolean;
  sides: PerSide<{ model: string; adapter: string | null }>;
  same_tokens: boolean;
  judge: string | undefined;
  forgetting: Forgetting | null;
  settings: Record<string, unknown>;
}

/** What all rows say together. */
export function summarizeRows(rows: readonly ComparedRow[], facts: RunFacts): ComparisonSummary {
  const { sides, judge, ...others } = facts;
  const references = rows.filter(({ reference }) => reference !== null);
  const measured = rows.flatMap(({ base, tuned }) =>
    base.reference && tuned.reference ? { base: base.reference, tuned: tuned.reference } : [],
  );
  return {
    type: "summary",
    ...others,
    rows: rows.length,
    with_reference: references.length,
    unmeasured: references.filter(({ base, tuned }) => !base.reference || !tuned.reference).length,
    identical: rows.filter(({ base, tuned }) => base.answer === tuned.answer).length,
    base: sideOf(rows, "base", sides.base),
    tuned: sideOf(rows, "tuned", sides.tuned),
    scores: { ...scoresOf(rows), ...(measured.length > 0 && { [likelihoodScore]: likelihoodsOf(measured, facts) }) },
    likelihood:
      measured.length > 0
        ? {
            base: predictedTexts(measured.map((each) => each.base)),
            tuned: predictedTexts(measured.map((each) => each.tuned)),
          }
        : null,
    judge: judge === undefined ? null : judgeOf(rows, judge),
  };
}

/** Which side is better by a score in one row: 1 the tuned one, −1 the base, 0 neither; undefined where it says nothing. */
export function outcome({ scores, base, tuned }: ComparedRow, name: string): -1 | 0 | 1 | undefined {
  const values = name === likelihoodScore ? sums(base, tuned) : scores[name];
  if (!values) return undefined;
  return values.tuned > values.base ? 1 : values.tuned < values.base ? -1 : 0;
}

function sums(base: SideAnswer, tuned: SideAnswer): PerSide<number> | undefined {
  if (!base.reference || !tuned.reference) return undefined;
  return { base: base.reference.log_likelihood, tuned: tuned.reference.log_likelihood };
}

function scoresOf(rows: readonly ComparedRow[]): Record<string, ScoreSummary> {
  const names = [...new Set(rows.flatMap(({ scores }) => Object.keys(scores)))];
  return Object.fromEntries(
    names.map((name) => {
      const values = rows.flatMap(({ scores }) => scores[name] ?? []);
      const base = values.map((each) => each.base);
      const tuned = values.map((each) => each.tuned);
      const means = name === "judge" ? { base: null, tuned: null } : { base: mean(base), tuned: mean(tuned) };
      return [name, { ...means, ...pairedOf(base, tuned) }];
    }),
  );
}

/** Rows are compared by the likelihood of the whole reference, which does not depend on how a tokenizer splits it. */
function likelihoodsOf(measured: readonly PerSide<Likelihood>[], { same_tokens }: RunFacts): ScoreSummary {
  const sumsOf = (side: SideName) => measured.map((each) => each[side].log_likelihood);
  const perToken = (side: SideName) => predictedTexts(measured.map((each) => each[side])).log_likelihood_per_token;
  const means = same_tokens ? { base: perToken("base"), tuned: perToken("tuned") } : { base: null, tuned: null };
  return { ...means, ...pairedOf(sumsOf("base"), sumsOf("tuned")) };
}

function pairedOf(base: readonly number[], tuned: readonly number[]): Omit<ScoreSummary, "base" | "tuned"> {
  const { wins, losses, ties, winRate, interval, pValue } = comparePaired(base, tuned);
  return { rows: base.length, wins, losses, ties, win_rate: winRate, win_rate_interval: interval, p_value: pValue };
}

function sideOf(
  rows: readonly ComparedRow[],
  side: SideName,
  source: { model: string; adapter: string | null },
): SideSummary {
  const answers = rows.map((row) => row[side]);
  return {
    ...source,
    tokens_per_answer: answers.length > 0 ? mean(answers.map(({ tokens }) => tokens)) : 0,
    cut: answers.filter(({ finish_reason }) => finish_reason === "length").length,
    only_thoughts: answers.filter(({ answer, thinking }) => answer === "" && thinking !== undefined).length,
  };
}

function judgeOf(rows: readonly ComparedRow[], model: string): JudgeSummary {
  const judged = rows.flatMap(({ judge }) => judge ?? []);
  const problems = (kind: "malformed" | "failed") => judged.filter(({ problem }) => problem?.kind === kind);
  return {
    model,
    contradictory: judged.filter(
      ({ base_first, tuned_first }) => base_first !== null && tuned_first !== null && base_first !== tuned_first,
    ).length,
    malformed: problems("malformed").length,
    failed: problems("failed").length,
    first_failure: judged.find(({ problem }) => problem)?.problem?.text ?? null,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
