import type { BenchResult } from "../../protocol/bench-result.ts";
import { getLanguage, say } from "../../protocol/language.ts";
import type { PageWord } from "../../protocol/messages/bench.ts";
import { numberText, timeText } from "../number-text.ts";
import {
  comparisonTable,
  label,
  levelsTable,
  levelTitle,
  percentText,
  remarks,
  type Table,
  timeLabel,
  times,
  timesTable,
  tokensTable,
} from "../result-tables.ts";
import { chartsByLoad, curve, distributions } from "./charts.ts";
import { type Chart, lineChart } from "./line-chart.ts";
import { html, type Markup, markup } from "./markup.ts";
import { pageStyle } from "./page-style.ts";

/**
 * One page that needs nothing else: a result with its charts, or two side by side.
 * @param results one, or the one before and the one after
 */
export function htmlReport(results: readonly BenchResult[]): string {
  const title = `${word("title")} · ${results.map(({ name }) => name).join(" / ")}`;
  const [before, after] = results;
  const page = html`<!doctype html>
<html lang="${getLanguage() === "zh" ? "zh-CN" : "en"}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${markup(pageStyle)}</style>
</head>
<body><main>
<h1>${title}</h1>
${results.map(origin)}
${results.length === 1 ? results.map(tiles) : ""}
${results.some(({ levels }) => levels.length > 1) ? byLoad(results) : ""}
${before && after ? section("comparison", table(comparisonTable(before, after), "two")) : ""}
${results.map((result) => details(result, results.length > 1))}
${definitions()}
</main></body></html>
`;
  return page.source;
}

function word(what: PageWord): string {
  return say("bench/page", { what });
}

function section(what: PageWord, ...content: readonly Markup[]): Markup {
  return html`<section><h2>${word(what)}</h2>${content}</section>\n`;
}

function origin({ name, model, url, started_at, version }: BenchResult): Markup {
  const named = name === model ? "" : `${name} · `;
  const date = new Date(started_at).toLocaleString(getLanguage() === "zh" ? "zh-CN" : "en-GB");
  return html`<p class="soft">${named}${model} · ${url} · ${date} · Cygnet ${version}</p>`;
}

function tiles({ levels }: BenchResult): Markup {
  const [first] = levels;
  const best = levels.reduce((a, b) => (b.output_tokens_per_second > a.output_tokens_per_second ? b : a));
  const requests = levels.reduce((total, level) => total + level.requests, 0);
  const succeeded = levels.reduce((total, level) => total + level.succeeded, 0);
  return html`<div class="tiles">
${tile(label("outputPerSecond"), numberText(best.output_tokens_per_second), levelTitle(best))}
${tile(label("requestsPerSecond"), numberText(best.requests_per_second), levelTitle(best))}
${first?.ttft_ms ? tile(`${label("ttft")} (p50)`, timeText(first.ttft_ms.p50), levelTitle(first)) : ""}
${tile(label("success"), percentText(requests > 0 ? succeeded / requests : 0), say("bench/of-requests", { succeeded, requests }))}
</div>`;
}

function tile(what: string, value: string, where: string): Markup {
  return html`<div class="tile"><small>${what}</small><b>${value}</b><small>${where}</small></div>`;
}

function byLoad(results: readonly BenchResult[]): Markup {
  return section(
    "byLoad",
    html`<p class="soft">${word("curveHelp")}</p>`,
    charts([curve(results), ...chartsByLoad(results)]),
  );
}

function charts(drawn: readonly Chart[]): Markup {
  return html`<div class="charts">${drawn.map(lineChart)}</div>`;
}

function details(result: BenchResult, isOneOfMany: boolean): Markup {
  const told = remarks(result);
  const hasRecords = result.levels.some(({ records }) => records.length > 0);
  return html`${isOneOfMany ? html`<h1 style="margin-top:48px">${result.name}</h1>` : ""}
${told.length > 0 ? section("remarks", html`<ul class="remarks">${told.map((each) => html`<li>${each}</li>`)}</ul>`) : ""}
${hasRecords && !isOneOfMany ? section("distributions", html`<p class="soft">${word("distributionsHelp")}</p>`, charts(distributions(result))) : ""}
${section("figures", table(levelsTable(result), ""), table(timesTable(result), "two"), table(tokensTable(result), ""))}
${section("settings", settings(result))}`;
}

/** A row whose first cell is empty belongs to the one above. */
function table([heads = [], ...rows]: Table, style: string): Markup {
  return html`<div class="wide"><table class="${style}"><thead><tr>${heads.map((cell) => html`<th>${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row, i) =>
      html`<tr class="${rows[i + 1]?.[0] === "" ? "more" : ""}">${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`,
  )}</tbody></table></div>`;
}

function settings({ settings: given }: BenchResult): Markup {
  return html`<div class="wide"><table class="pairs"><tbody>${Object.entries(given).map(
    ([flag, value]) => html`<tr><td>--${flag.replaceAll("_", "-")}</td><td>${shown(value)}</td></tr>\n`,
  )}</tbody></table></div>`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.join(" ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function definitions(): Markup {
  return section(
    "definitions",
    html`<dl>${times.map(
      (time) => html`<dt>${timeLabel(time)}</dt><dd>${say("bench/definition", { what: time })}</dd>`,
    )}</dl><p class="soft" style="font-size:13.5px">${word("counted")}</p>`,
  );
}
