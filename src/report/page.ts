import { getLanguage } from "../protocol/language.ts";
import { html, type Markup, markup } from "./markup.ts";
import { pageStyle } from "./page-style.ts";

export interface PageParts {
  title: string;
  /** CSS beside the style that all pages share. */
  style?: string;
  /** JavaScript, run when the page is there. */
  script?: string;
}

/** One HTML file that needs nothing else. */
export function page(
  { title, style = "", script }: PageParts,
  ...content: readonly (Markup | readonly Markup[])[]
): string {
  return html`<!doctype html>
<html lang="${getLanguage() === "zh" ? "zh-CN" : "en"}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${markup(pageStyle + style)}</style>
</head>
<body><main>
<h1>${title}</h1>
${content}
</main>${script === undefined ? "" : html`<script>${markup(script)}</script>`}</body></html>
`.source;
}

export function section(title: string, ...content: readonly Markup[]): Markup {
  return html`<section><h2>${title}</h2>${content}</section>\n`;
}

/** One figure with what it is above it, and what it is of below. */
export function tile(what: string, value: string, where: string): Markup {
  return html`<div class="tile"><small>${what}</small><b>${value}</b><small>${where}</small></div>`;
}

export function tiles(...each: readonly (Markup | string)[]): Markup {
  return html`<div class="tiles">${each}</div>`;
}

/** Remarks on what was measured; nothing where there are none. */
export function remarkList(title: string, remarks: readonly string[]): Markup {
  if (remarks.length === 0) return markup("");
  return section(title, html`<ul class="remarks">${remarks.map((each) => html`<li>${each}</li>`)}</ul>`);
}

/** The first row has the heads. A row whose first cell is empty belongs to the one above. */
export function table([heads = [], ...rows]: readonly (readonly string[])[], style = ""): Markup {
  return html`<div class="wide"><table class="${style}"><thead><tr>${heads.map((cell) => html`<th>${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row, i) =>
      html`<tr class="${rows[i + 1]?.[0] === "" ? "more" : ""}">${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`,
  )}</tbody></table></div>`;
}

/** The flags of a run with their values. */
export function settingsTable(settings: Readonly<Record<string, unknown>>): Markup {
  return html`<div class="wide"><table class="pairs"><tbody>${Object.entries(settings).map(
    ([flag, value]) => html`<tr><td>--${flag.replaceAll("_", "-")}</td><td>${shown(value)}</td></tr>\n`,
  )}</tbody></table></div>`;
}

/** What words mean, one after the other. */
export function definitionList(definitions: readonly (readonly [word: string, meaning: string])[]): Markup {
  return html`<dl>${definitions.map(([word, meaning]) => html`<dt>${word}</dt><dd>${meaning}</dd>`)}</dl>`;
}

export function dateText(iso: string): string {
  return new Date(iso).toLocaleString(getLanguage() === "zh" ? "zh-CN" : "en-GB");
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.join(" ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
