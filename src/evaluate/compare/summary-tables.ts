import type { ComparisonSummary, PredictedTexts, ScoreSummary } from "../../protocol/comparison.ts";
import { say } from "../../protocol/language.ts";
import type { CompareWord } from "../../protocol/messages/compare.ts";
import { likelihoodScore } from "./summary.ts";

export type Table = string[][];

/** A model that predicts a text no better than this does not know what it is about. */
const unknownPerplexity = 1000;
/** Fewer rows than this show hardly anything. */
const fewRows = 10;

export function word(what: CompareWord): string {
  return say("compare/word", { what });
}

/** As their authors write them. */
const published: ReadonlyMap<string, string> = new Map([
  ["rouge-l", "ROUGE-L"],
  ["chrf", "chrF"],
]);

/** A score's name in the user's language. */
export function scoreTitle(name: string): string {
  if (name === likelihoodScore) return word("likelihood");
  if (name === "judge") return word("judge");
  return published.get(name) ?? name;
}

/** `0.873`, `−1.204`: three digits behind the point. */
export function valueText(value: number | null): string {
  return value === null ? "" : value.toFixed(3).replace("-", "−");
}

/** One row for each score. isNarrow: with short heads, for a terminal. */
export function scoresTable({ scores }: ComparisonSummary, isNarrow: boolean): Table {
  const heads: CompareWord[] = isNarrow
    ? ["score", "base", "tuned", "better", "worse", "ties", "shortWinRate", "pValue"]
    : ["score", "base", "tuned", "wins", "losses", "ties", "winRate", "pValue"];
  return [
    heads.map(word),
    ...Object.entries(scores).map(([name, score]) => [
      isNarrow ? shortened(scoreTitle(name), 16) : scoreTitle(name),
      valueText(score.base),
      valueText(score.tuned),
      String(score.wins),
      String(score.losses),
      String(score.ties),
      winRateText(score),
      pText(score.p_value),
    ]),
  ];
}

export function winRateText({ win_rate, win_rate_interval: [low, high] }: ScoreSummary): string {
  return `${win_rate.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`;
}

/** How well both sides predict the references and the general texts. */
export function predictionTable({ likelihood, forgetting }: ComparisonSummary): Table {
  const line = (what: string, side: CompareWord, { log_likelihood_per_token, perplexity, tokens }: PredictedTexts) => [
    what,
    word(side),
    valueText(log_likelihood_per_token),
    perplexityText(perplexity),
    String(tokens),
  ];
  const part = (what: CompareWord, both: { base: PredictedTexts; tuned: PredictedTexts } | null) =>
    both ? [line(word(what), "base", both.base), line("", "tuned", both.tuned)] : [];
  return [
    ["", "", word("perToken"), word("perplexity"), word("tokens")],
    ...part("references", likelihood),
    ...part("generalTexts", forgetting),
  ];
}

export function perplexityText(perplexity: number): string {
  if (perplexity >= 1e5) return perplexity.toExponential(2);
  return perplexity.toFixed(perplexity >= 1000 ? 0 : perplexity >= 100 ? 1 : perplexity >= 10 ? 2 : 3);
}

/** What tuning did to general texts, in a sentence. */
export function forgettingText({ forgetting }: ComparisonSummary): string | undefined {
  if (!forgetting) return undefined;
  const { loss, interval, per, texts, file, base, tuned } = forgetting;
  const facts = {
    loss,
    interval,
    per,
    texts,
    file,
    before: perplexityText(base.perplexity),
    after: perplexityText(tuned.perplexity),
  };
  return say("compare/forgetting", facts);
}

/** What to keep in mind with these figures. */
export function remarks(summary: ComparisonSummary): string[] {
  const { rows, unmeasured, judge, settings, same_tokens, forgetting, likelihood } = summary;
  const sides = (["base", "tuned"] as const).flatMap((name) => {
    const { cut, only_thoughts: count } = summary[name];
    const side = word(name);
    return [
      ...(cut > 0 ? [say("compare/cut", { side, count: cut, rows, maxTokens: Number(settings.max_tokens) })] : []),
      ...(count > 0 ? [say("compare/only-thoughts", { side, count })] : []),
    ];
  });
  const perplexity = forgetting?.base.perplexity ?? 0;
  return [
    ...sides,
    ...(perplexity > unknownPerplexity
      ? [say("compare/unknown-texts", { perplexity: perplexityText(perplexity) })]
      : []),
    ...(same_tokens || !(forgetting || likelihood) ? [] : [say("compare/per-byte", {})]),
    ...(unmeasured > 0 ? [say("compare/unmeasured", { count: unmeasured })] : []),
    ...(judge ? [say("compare/judged", { ...judge, first: judge.first_failure })] : []),
    ...(rows < fewRows && Object.keys(summary.scores).length > 0 ? [say("compare/few-rows", { rows })] : []),
  ];
}

function pText(p: number): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}

function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
