import { say } from "../../protocol/language.ts";
import { html, type Markup } from "../../report/markup.ts";
import { scoreTitle, word } from "./summary-tables.ts";

/** What the reader sets to see some of the rows. The script below obeys it; without scripts all rows stay. */
export function rowFilters(scores: readonly string[], rows: number): Markup {
  const choice = (value: string, text: string) => html`<option value="${value}">${text}</option>`;
  const outcomes =
    scores.length > 0
      ? html`<select id="outcome" aria-label="${word("score")}">
${choice("", word("all"))}${choice("1", word("wins"))}${choice("-1", word("losses"))}${choice("0", word("ties"))}
</select><label>${word("by")} <select id="score">${scores.map((name) => choice(name, scoreTitle(name)))}</select></label>`
      : "";
  const shown = say("compare/shown", { shown: 0, total: rows });
  return html`<form class="filters" onsubmit="return false">${outcomes}
<input id="search" type="search" placeholder="${word("search")}" aria-label="${word("search")}">
<label><input id="differing" type="checkbox"> ${word("differing")}</label>
<output id="shown" data-text="${shown.replace("0", "#")}"></output></form>`;
}

export const rowStyle = `
.filters { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; position: sticky; top: 0; z-index: 1; background: var(--paper); padding: 10px 0; font-size: 13.5px; }
.filters select, .filters input[type=search] { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 6px 10px; }
.filters input[type=search] { flex: 1 1 220px; min-width: 0; } .filters output { color: var(--soft); margin-left: auto; }
.row { border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; margin: 12px 0; overflow-wrap: anywhere; }
.row[hidden] { display: none; } .row header { font-size: 13px; } .row small { display: block; color: var(--soft); font-size: 12.5px; }
.asked { white-space: pre-wrap; font-weight: 600; margin: 4px 0 8px; max-height: 22em; overflow-y: auto; }
.wanted { white-space: pre-wrap; border-left: 3px solid var(--rule); padding-left: 10px; margin: 8px 0; max-height: 22em; overflow-y: auto; }
.both { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 12px; }
.side { background: var(--card); border-radius: 8px; padding: 10px 12px; border-top: 3px solid var(--c7); } .side.tuned { border-top-color: var(--c0); }
.said { white-space: pre-wrap; } .row details { font-size: 13px; margin: 4px 0; } .row pre { white-space: pre-wrap; margin: 4px 0; }
.scores { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 8px; padding: 0; margin: 10px 0 0; font-size: 12.5px; font-variant-numeric: tabular-nums; }
.scores li { border: 1px solid var(--rule); border-radius: 999px; padding: 1px 10px; color: var(--soft); } .scores b { font-weight: 600; color: var(--ink); }
.scores .win b { color: var(--c2); } .scores .loss b { color: var(--c4); }
@media print { .filters { display: none; } .row { break-inside: avoid; } }
`;

/** Shows the rows that the filters leave. */
export const rowScript = `
const $ = (id) => document.getElementById(id);
const rows = [...document.querySelectorAll(".row")].map((element) => ({
  element,
  outcomes: JSON.parse(element.dataset.outcomes),
  isSame: element.dataset.same === "1",
  text: element.textContent.toLowerCase(),
}));
function show() {
  const outcome = $("outcome")?.value ?? "";
  const score = $("score")?.value ?? "";
  const search = $("search").value.trim().toLowerCase();
  let shown = 0;
  for (const { element, outcomes, isSame, text } of rows) {
    const isWanted = outcome === "" || String(outcomes[score]) === outcome;
    element.hidden = !isWanted || !text.includes(search) || ($("differing").checked && isSame);
    if (!element.hidden) shown++;
  }
  $("shown").textContent = $("shown").dataset.text.replace("#", shown);
}
for (const id of ["outcome", "score", "search", "differing"]) $(id)?.addEventListener("input", show);
show();
`;
