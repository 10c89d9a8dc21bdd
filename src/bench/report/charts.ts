import type { BenchResult, LevelResult } from "../../protocol/bench-result.ts";
import { say } from "../../protocol/language.ts";
import { interTokenLatencies, timePerOutputToken, timeToFirstToken } from "../level-figures.ts";
import { numberText, timeText } from "../number-text.ts";
import { label, levelTitle, loadOf, type Time, timeLabel, times, timesOf } from "../result-tables.ts";
import { percentile } from "../statistics.ts";
import type { Chart, Point, Series } from "./line-chart.ts";
import { linearScale, loadScale, logScale, type Scale } from "./scale.ts";

const mostPoints = 200;
const mostColors = 8;

/** What users wait against what the server does: each point is a level. */
export function curve(results: readonly BenchResult[]): Chart {
  const series = seriesOf(results, "latency", (level) => level.output_tokens_per_second, true);
  const values = ys(series);
  return {
    title: say("bench/page", { what: "curve" }),
    xTitle: label("outputPerSecond"),
    yTitle: withUnit(label("latency"), values),
    x: linearScale(xs(series)),
    y: linearScale(values),
    xText: tickText,
    yText: timeTick(values),
    series,
  };
}

/** Figures against the load: output tokens a second, time to first token, time per output token. */
export function chartsByLoad(results: readonly BenchResult[]): Chart[] {
  const levels = results.flatMap((result) => result.levels);
  const base = {
    xTitle: label(levels[0]?.parallel === null ? "rate" : "clients"),
    x: loadScale(levels.map(loadValue)),
    xText: tickText,
  };
  const throughput = results.map(({ name, levels }, color): Series => {
    const points = levels.map((level) => {
      const y = level.output_tokens_per_second;
      return { x: loadValue(level), y, note: `${levelTitle(level)}: ${numberText(y)}` };
    });
    return { name, color, points };
  });
  const byTime = (["ttft", "tpot"] as const).flatMap((time): Chart[] => {
    const series = seriesOf(results, time, loadValue, false);
    const values = ys(series);
    if (values.length === 0) return [];
    const title = label(time);
    return [
      {
        ...base,
        title,
        yTitle: withUnit(timeLabel(time), values),
        y: linearScale(values),
        yText: timeTick(values),
        series,
      },
    ];
  });
  const title = label("outputPerSecond");
  return [
    { ...base, title, yTitle: title, y: linearScale(ys(throughput)), yText: tickText, series: throughput },
    ...byTime,
  ];
}

/** For each time the share of its values below each point, a line for each level. */
export function distributions({ levels }: BenchResult): Chart[] {
  return times.flatMap((time): Chart[] => {
    const series = levels.slice(0, mostColors).flatMap((level, color): Series[] => {
      const sorted = Float64Array.from(valuesOf(level, time)).sort();
      return sorted.length === 0 ? [] : [{ name: levelTitle(level), color, points: cumulative(sorted) }];
    });
    const values = xs(series);
    if (values.length === 0) return [];
    const chart = {
      title: label(time),
      yTitle: say("bench/page", { what: "share" }),
      y: linearScale([100]),
      yText: (value: number) => `${value} %`,
      series,
    };
    return [{ ...chart, xTitle: withUnit(timeLabel(time), values), x: timeScale(values), xText: timeTick(values) }];
  });
}

function cumulative(sorted: Float64Array): Point[] {
  const count = Math.min(mostPoints, Math.max(2, sorted.length));
  const points = Array.from({ length: count }, (_, i) => {
    const percent = (100 * i) / (count - 1);
    return { x: percentile(sorted, percent), y: percent };
  });
  const marked = [50, 95].map((y) => {
    const x = percentile(sorted, y);
    return { x, y, note: `p${y}: ${timeText(x)}` };
  });
  return [...points, ...marked].sort((a, b) => a.y - b.y);
}

function valuesOf({ records }: LevelResult, time: Time): number[] {
  const whole = records.filter(({ failure }) => failure === null);
  switch (time) {
    case "ttft":
      return whole.flatMap(timeToFirstToken);
    case "tpot":
      return whole.flatMap(timePerOutputToken);
    case "itl":
      return interTokenLatencies(whole);
    case "latency":
      return whole.map(({ latency_ms }) => latency_ms);
  }
}

/** Median and 95th percentile of a time: two lines for each result. */
function seriesOf(
  results: readonly BenchResult[],
  time: Time,
  x: (level: LevelResult) => number,
  isLabelled: boolean,
): Series[] {
  const series = results.flatMap(({ name, levels }, index) =>
    (["p50", "p95"] as const).map((statistic): Series => {
      const points = levels.flatMap((level): Point[] => {
        const y = timesOf(level, time)?.[statistic];
        if (y === undefined) return [];
        const note = `${levelTitle(level)}: ${statistic} ${timeText(y)}`;
        return [{ x: x(level), y, note, label: isLabelled && statistic === "p50" ? loadOf(level) : undefined }];
      });
      const title = results.length > 1 ? `${name} ${statistic}` : statistic;
      return { name: title, color: index, dashed: statistic === "p95", points };
    }),
  );
  return series.filter(({ points }) => points.length > 0);
}

function loadValue({ parallel, rate }: LevelResult): number {
  return parallel ?? rate ?? 0;
}

/** By factors where the values differ much. */
function timeScale(values: readonly number[]): Scale {
  const sorted = Float64Array.from(values).sort();
  const isWide = percentile(sorted, 2) > 0 && percentile(sorted, 98) / percentile(sorted, 2) > 8;
  // What takes a thousandth of the median is two chunks in one packet; it would take half of the axis.
  return isWide ? logScale(values.map((value) => Math.max(value, percentile(sorted, 50) / 1000))) : linearScale(values);
}

function isInSeconds(values: readonly number[]): boolean {
  return Math.max(...values) >= 10_000;
}

function withUnit(title: string, values: readonly number[]): string {
  return `${title} (${isInSeconds(values) ? "s" : "ms"})`;
}

function timeTick(values: readonly number[]): (value: number) => string {
  const divisor = isInSeconds(values) ? 1000 : 1;
  return (value) => tickText(value / divisor);
}

function tickText(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function xs(series: readonly Series[]): number[] {
  return series.flatMap(({ points }) => points.map(({ x }) => x));
}

function ys(series: readonly Series[]): number[] {
  return series.flatMap(({ points }) => points.map(({ y }) => y));
}
