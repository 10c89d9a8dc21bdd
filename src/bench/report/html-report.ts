import type { BenchResult } from "../../protocol/bench-result.ts";
import { say } from "../../protocol/language.ts";
import type { PageWord } from "../../protocol/messages/bench.ts";
import { html, type Markup } from "../../report/markup.ts";
import {
  dateText,
  definitionList,
  page,
  remarkList,
  section,
  settingsTable,
  table,
  tile,
  tiles,
} from "../../report/page.ts";
import { numberText, timeText } from "../number-text.ts";
import {
  comparisonTable,
  label,
  levelsTable,
  levelTitle,
  percentText,
  remarks,
  timeLabel,
  times,
  timesTable,
  tokensTable,
} from "../result-tables.ts";
import { chartsByLoad, curve, distributions } from "./charts.ts";
import { type Chart, lineChart } from "./line-chart.ts";

/**
 * One page that needs nothing else: a result with its charts, or two side by side.
 * @param results one, or the one before and the one after
 */
export function htmlReport(results: readonly BenchResult[]): string {
  const title = `${word("title")} · ${results.map(({ name }) => name).join(" / ")}`;
  const [before, after] = results;
  return page(
    { title },
    results.map(origin),
    results.length === 1 ? results.map(mainFigures) : [],
    results.some(({ levels }) => levels.length > 1) ? byLoad(results) : [],
    before && after ? part("comparison", table(comparisonTable(before, after), "two")) : [],
    results.map((result) => details(result, results.length > 1)),
    definitions(),
  );
}

function word(what: PageWord): string {
  return say("bench/page", { what });
}

function part(what: PageWord, ...content: readonly Markup[]): Markup {
  return section(word(what), ...content);
}

function origin({ name, model, url, started_at, version }: BenchResult): Markup {
  const named = name === model ? "" : `${name} · `;
  return html`<p class="soft">${named}${model} · ${url} · ${dateText(started_at)} · Cygnet ${version}</p>`;
}

function mainFigures({ levels }: BenchResult): Markup {
  const [first] = levels;
  const best = levels.reduce((a, b) => (b.output_tokens_per_second > a.output_tokens_per_second ? b : a));
  const requests = levels.reduce((total, level) => total + level.requests, 0);
  const succeeded = levels.reduce((total, level) => total + level.succeeded, 0);
  return tiles(
    tile(label("outputPerSecond"), numberText(best.output_tokens_per_second), levelTitle(best)),
    tile(label("requestsPerSecond"), numberText(best.requests_per_second), levelTitle(best)),
    first?.ttft_ms ? tile(`${label("ttft")} (p50)`, timeText(first.ttft_ms.p50), levelTitle(first)) : "",
    tile(
      label("success"),
      percentText(requests > 0 ? succeeded / requests : 0),
      say("bench/of-requests", { succeeded, requests }),
    ),
  );
}

function byLoad(results: readonly BenchResult[]): Markup {
  return part(
    "byLoad",
    html`<p class="soft">${word("curveHelp")}</p>`,
    charts([curve(results), ...chartsByLoad(results)]),
  );
}

function charts(drawn: readonly Chart[]): Markup {
  return html`<div class="charts">${drawn.map(lineChart)}</div>`;
}

function details(result: BenchResult, isOneOfMany: boolean): Markup {
  const hasRecords = result.levels.some(({ records }) => records.length > 0);
  return html`${isOneOfMany ? html`<h1 style="margin-top:48px">${result.name}</h1>` : ""}
${remarkList(word("remarks"), remarks(result))}
${hasRecords && !isOneOfMany ? part("distributions", html`<p class="soft">${word("distributionsHelp")}</p>`, charts(distributions(result))) : ""}
${part("figures", table(levelsTable(result)), table(timesTable(result), "two"), table(tokensTable(result)))}
${part("settings", settingsTable(result.settings))}`;
}

function definitions(): Markup {
  const words = times.map((time) => [timeLabel(time), say("bench/definition", { what: time })] as const);
  return part(
    "definitions",
    definitionList(words),
    html`<p class="soft" style="font-size:13.5px">${word("counted")}</p>`,
  );
}
