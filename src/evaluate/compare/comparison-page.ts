import type {
  ComparedRow,
  ComparisonSummary,
  Forgetting,
  PerSide,
  ScoreSummary,
  SideAnswer,
  SideName,
} from "../../protocol/comparison.ts";
import { say } from "../../protocol/language.ts";
import type { CompareDefinition } from "../../protocol/messages/compare.ts";
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
import { rowFilters, rowScript, rowStyle } from "./row-filters.ts";
import { likelihoodScore, outcome } from "./summary.ts";
import {
  forgettingText,
  perplexityText,
  predictionTable,
  remarks,
  scoresTable,
  scoreTitle,
  valueText,
  word,
} from "./summary-tables.ts";

/** One page that needs nothing else: figures on top, then every row, to be filtered by who answered better and searched. */
export function comparisonPage(rows: readonly ComparedRow[], summary: ComparisonSummary): string {
  const names = Object.keys(summary.scores);
  const forgetting = forgettingText(summary);
  const prediction = predictionTable(summary);
  return page(
    { title: `${word("title")} · ${summary.tuned.adapter ?? summary.tuned.model}`, style: rowStyle, script: rowScript },
    origin(summary),
    mainFigures(summary, names),
    remarkList(word("remarks"), remarks(summary)),
    names.length > 0 ? section(word("figures"), table(scoresTable(summary, false))) : [],
    prediction.length > 1 ? section(word("prediction"), table(prediction, "two")) : [],
    forgetting === undefined ? [] : section(word("forgetting"), html`<p>${forgetting}</p>`),
    section(word("rows"), rowFilters(names, rows.length), html`${rows.map((row) => rowCard(row, names))}`),
    section(word("settings"), settingsTable(summary.settings)),
    section(word("definitions"), definitions(names)),
  );
}

/** The model of a side, with its adapter. */
function sideTitle(summary: ComparisonSummary, side: SideName): string {
  const { model, adapter } = summary[side];
  return adapter === null ? model : `${model} + ${adapter}`;
}

function origin(summary: ComparisonSummary): Markup {
  const { prompts, started_at, version } = summary;
  const from = prompts === null ? "" : `${prompts} · `;
  const side = (name: SideName) => say("compare/labelled", { label: word(name), text: sideTitle(summary, name) });
  return html`<p class="soft">${side("base")}<br>${side("tuned")}</p>
<p class="soft">${from}${say("compare/of-rows", summary)} · ${dateText(started_at)} · Cygnet ${version}</p>`;
}

function mainFigures({ scores, likelihood, forgetting }: ComparisonSummary, [first]: readonly string[]): Markup {
  const main = first === undefined ? undefined : scores[first];
  const score = scoreTitle(first ?? "");
  const arrow = (base: string, tuned: string) => `${base} → ${tuned}`;
  const sides = arrow(word("base"), word("tuned"));
  return tiles(
    main ? tile(word("winRateOfTuned"), main.win_rate.toFixed(2), outcomesText(score, main)) : "",
    main && main.base !== null && first !== likelihoodScore
      ? tile(score, arrow(valueText(main.base), valueText(main.tuned)), sides)
      : "",
    likelihood
      ? tile(
          word("referencePerplexity"),
          arrow(perplexityText(likelihood.base.perplexity), perplexityText(likelihood.tuned.perplexity)),
          sides,
        )
      : "",
    forgetting ? tile(word("forgetting"), signedText(forgetting.loss), forgettingUnit(forgetting)) : "",
  );
}

function outcomesText(score: string, { win_rate_interval: [low, high], wins, losses, ties }: ScoreSummary): string {
  return say("compare/outcomes", { score, wins, losses, ties, low: low.toFixed(2), high: high.toFixed(2) });
}

function signedText(value: number): string {
  return `${value < 0 ? "" : "+"}${valueText(value)}`;
}

function forgettingUnit({ per, base, tuned }: Forgetting): string {
  const [before, after] = [perplexityText(base.perplexity), perplexityText(tuned.perplexity)];
  return say("compare/per", { per, before, after });
}

function rowCard(row: ComparedRow, names: readonly string[]): Markup {
  const outcomes = Object.fromEntries(
    names.flatMap((name) => {
      const value = outcome(row, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const place = row.file === null ? "" : `${row.file}:${row.line}`;
  const isSame = row.base.answer === row.tuned.answer;
  return html`<article class="row" data-outcomes="${JSON.stringify(outcomes)}" data-same="${isSame ? 1 : 0}">
<header><b>${row.row}</b> <span class="soft">${place}</span></header>
<div class="asked">${row.prompt}</div>
${row.messages ? html`<details><summary>${word("conversation")}</summary><pre>${JSON.stringify(row.messages, null, 2)}</pre></details>` : ""}
${row.reference === null ? "" : html`<div class="wanted"><small>${word("reference")}</small>${row.reference}</div>`}
<div class="both">${answer("base", row.base)}${answer("tuned", row.tuned)}</div>
<ul class="scores">${chips(row, names)}</ul>
</article>\n`;
}

function answer(side: SideName, { answer: text, thinking, tokens, finish_reason }: SideAnswer): Markup {
  const cut = finish_reason === "length" ? " …" : "";
  return html`<div class="side ${side}"><small>${word(side)} · ${tokens} ${word("tokenCount")}</small>
${thinking === undefined ? "" : html`<details><summary>${word("thinking")}</summary><div class="said soft">${thinking}</div></details>`}
<div class="said">${text === "" ? html`<i class="soft">${word("empty")}</i>` : text}${cut}</div></div>`;
}

function chips(row: ComparedRow, names: readonly string[]): Markup[] {
  return names.flatMap((name) => {
    const value = outcome(row, name);
    if (value === undefined) return [];
    const kind = value > 0 ? "win" : value < 0 ? "loss" : "tie";
    return html`<li class="${kind}">${scoreTitle(name)} <b>${chipText(row, name)}</b></li>`;
  });
}

function chipText(row: ComparedRow, name: string): string {
  if (name === "judge") {
    const verdict = row.judge?.verdict ?? "tie";
    return word(verdict === "tie" ? "ties" : verdict);
  }
  const values = name === likelihoodScore ? means(row) : row.scores[name];
  return values ? `${valueText(values.base)} → ${valueText(values.tuned)}` : "";
}

/** Of a token of the reference. */
function means({ base, tuned }: ComparedRow): PerSide<number> | undefined {
  if (!base.reference || !tuned.reference) return undefined;
  const mean = ({ log_likelihood, tokens }: { log_likelihood: number; tokens: number }) => log_likelihood / tokens;
  return { base: mean(base.reference), tuned: mean(tuned.reference) };
}

function definitions(names: readonly string[]): Markup {
  const meaning = (what: CompareDefinition) => say("compare/definition", { what });
  const ofScores = names.flatMap((name) => {
    const kind = name === likelihoodScore ? "likelihood" : (name.split("=")[0] ?? name);
    return isDefined(kind) ? [[scoreTitle(name), meaning(kind)] as const] : [];
  });
  const paired =
    names.length > 0
      ? ([
          [word("shortWinRate"), meaning("winRate")],
          [word("pValue"), meaning("pValue")],
        ] as const)
      : [];
  return definitionList([...ofScores, ...paired, [word("forgetting"), meaning("forgetting")]]);
}

function isDefined(kind: string): kind is CompareDefinition {
  return ["rouge-l", "chrf", "exact", "contains", "regex", "json-schema", "judge", "likelihood"].includes(kind);
}
