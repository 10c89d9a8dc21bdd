import type { BenchResult, LevelResult, Summary } from "../protocol/bench-result.ts";
import { say } from "../protocol/language.ts";
import type { BenchLabel } from "../protocol/messages/bench.ts";
import { changeText, numberText, timeText } from "./number-text.ts";

export type Table = string[][];

export const times = ["ttft", "tpot", "itl", "latency"] as const;
export type Time = (typeof times)[number];
export const statistics = ["mean", "p50", "p90", "p95", "p99"] as const;

/** How a figure is called where columns are narrow: the abbreviation, which no language translates. */
export const shortNames: Record<Time, string> = { ttft: "TTFT", tpot: "TPOT", itl: "ITL", latency: "" };

export function label(what: BenchLabel): string {
  return say("bench/label", { what });
}

/** `TTFT`, or the word where there is no abbreviation. */
export function timeLabel(time: Time): string {
  return shortNames[time] || label(time);
}

export function timesOf(level: LevelResult, time: Time): Summary | null {
  return level[`${time}_ms`];
}

export function loadOf(level: LevelResult): string {
  return numberText(level.parallel ?? level.rate ?? 0).replace(/\.0+$/, "");
}

export function levelTitle({ parallel, rate }: LevelResult): string {
  return say("bench/level", { parallel, rate });
}

/** One row for each level: what was sent, and what came back in a second. */
export function levelsTable({ levels }: BenchResult): Table {
  const load = levels[0]?.parallel === null ? "rate" : "clients";
  const counts: BenchLabel[] = [load, "requests", "success", "duration", "concurrency"];
  const rates: BenchLabel[] = ["requestsPerSecond", "outputPerSecond", "totalPerSecond"];
  return [
    [...counts, ...rates].map(label),
    ...levels.map((level) => [
      loadOf(level),
      String(level.requests),
      percentText(level.success_rate),
      `${numberText(level.duration_s)} s`,
      numberText(level.mean_concurrency),
      numberText(level.requests_per_second),
      numberText(level.output_tokens_per_second),
      numberText(level.total_tokens_per_second),
    ]),
  ];
}

/** One row for each level: the tokens of its prompts and answers. */
export function tokensTable({ levels }: BenchResult): Table {
  const load = levels[0]?.parallel === null ? "rate" : "clients";
  const mean = (total: number, { succeeded }: LevelResult) => (succeeded > 0 ? numberText(total / succeeded) : "–");
  return [
    [label(load), label("promptTokens"), label("completionTokens")],
    ...levels.map((level) => [
      loadOf(level),
      `${level.prompt_tokens.toLocaleString("en-US")} (${label("mean")} ${mean(level.prompt_tokens, level)})`,
      `${level.completion_tokens.toLocaleString("en-US")} (${label("mean")} ${mean(level.completion_tokens, level)})`,
    ]),
  ];
}

/** One row for each level and time: mean and percentiles. */
export function timesTable({ levels }: BenchResult): Table {
  const load = levels[0]?.parallel === null ? "rate" : "clients";
  const rows = levels.flatMap((level) =>
    times.flatMap((time) => {
      const summary = timesOf(level, time);
      return summary ? [{ level, cells: [timeLabel(time), ...statistics.map((name) => timeCell(summary, name))] }] : [];
    }),
  );
  return [
    [label(load), "", label("mean"), "p50", "p90", "p95", "p99"],
    ...rows.map(({ level, cells }, i) => [rows[i - 1]?.level === level ? "" : loadOf(level), ...cells]),
  ];
}

/** The levels that both have. */
export function commonLevels(before: BenchResult, after: BenchResult): [LevelResult, LevelResult][] {
  return before.levels.flatMap((level): [LevelResult, LevelResult][] => {
    const same = after.levels.find(({ parallel, rate }) => parallel === level.parallel && rate === level.rate);
    return same ? [[level, same]] : [];
  });
}

/** One row for each level and figure: before, after, and the change. */
export function comparisonTable(before: BenchResult, after: BenchResult): Table {
  const pairs = commonLevels(before, after);
  const load = pairs[0]?.[0].parallel === null ? "rate" : "clients";
  const rows = pairs.flatMap(([a, b]) => [
    [loadOf(a), label("success"), percentText(a.success_rate), percentText(b.success_rate), ""],
    rateRow("requestsPerSecond", a.requests_per_second, b.requests_per_second),
    rateRow("outputPerSecond", a.output_tokens_per_second, b.output_tokens_per_second),
    rateRow("totalPerSecond", a.total_tokens_per_second, b.total_tokens_per_second),
    ...times.flatMap((time) => timeRows(time, timesOf(a, time), timesOf(b, time))),
  ]);
  return [[label(load), "", before.name, after.name, label("change")], ...rows];
}

function rateRow(what: BenchLabel, before: number, after: number): string[] {
  return ["", label(what), numberText(before), numberText(after), changeText(before, after)];
}

function timeRows(time: Time, before: Summary | null, after: Summary | null): string[][] {
  if (!before || !after) return [];
  return (["mean", "p50", "p99"] as const).map((name) => {
    const title = `${timeLabel(time)} ${name === "mean" ? label("mean") : name}`;
    return ["", title, timeText(before[name]), timeText(after[name]), changeText(before[name], after[name])];
  });
}

/** What a reader should know before the figures are believed. */
export function remarks({ levels }: BenchResult): string[] {
  return levels.flatMap((each) => {
    const level = levelTitle(each);
    const { counted_by_chunks, other_prompt_lengths, tester_busy, lateness_ms } = each;
    const busy = Math.round(100 * tester_busy);
    return [
      ...each.failures.map(({ count, ...failure }) => say("bench/failures", { level, count, failure })),
      ...(counted_by_chunks > 0 ? [say("bench/by-chunks", { level, count: counted_by_chunks })] : []),
      ...(other_prompt_lengths > 0 ? [say("bench/other-lengths", { level, count: other_prompt_lengths })] : []),
      ...(busy >= 85 ? [say("bench/busy", { level, percent: busy })] : []),
      ...(lateness_ms && lateness_ms.max > 20 ? [say("bench/late", { level, ms: Math.round(lateness_ms.max) })] : []),
    ];
  });
}

function timeCell(summary: Summary | null, name: (typeof statistics)[number]): string {
  return summary ? timeText(summary[name]) : "–";
}

export function percentText(share: number): string {
  return `${share === 1 ? "100" : (Math.floor(1000 * share) / 10).toFixed(1)} %`;
}
