import { html, type Markup, markup } from "../../report/markup.ts";
import type { Scale } from "./scale.ts";

export interface Point {
  x: number;
  y: number;
  /** Written beside it. */
  label?: string | undefined;
  /** Shown when the pointer rests on it; points without one are not marked. */
  note?: string | undefined;
}

export interface Series {
  name: string;
  /** 0 … 7: a colour of the page's style. */
  color: number;
  dashed?: boolean;
  points: readonly Point[];
}

export interface Chart {
  title: string;
  xTitle: string;
  yTitle: string;
  x: Scale;
  y: Scale;
  xText(value: number): string;
  yText(value: number): string;
  series: readonly Series[];
}

const width = 480;
const height = 300;
const plot = { left: 58, right: 466, top: 14, bottom: 252 };
const spaceOfTick = 7;

/** A chart of lines as SVG, with a legend in HTML; colours are those of the page, light or dark. */
export function lineChart(chart: Chart): Markup {
  const x = (value: number) => plot.left + chart.x.at(value) * (plot.right - plot.left);
  const y = (value: number) => plot.bottom - chart.y.at(value) * (plot.bottom - plot.top);
  return html`<figure>
<figcaption>${chart.title}</figcaption>
${legend(chart.series)}
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${chart.title}">
${chart.y.ticks.map((tick) => horizontal(y(tick), chart.yText(tick)))}
${readable(chart, x).map((tick) => vertical(x(tick), chart.xText(tick)))}
<text class="axis" x="${(plot.left + plot.right) / 2}" y="${height - 8}" text-anchor="middle">${chart.xTitle}</text>
<text class="axis" transform="translate(13 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${chart.yTitle}</text>
${chart.series.map((series) => line(series, x, y))}
${chart.series.map((series) => marks(series, x, y))}
</svg>
</figure>`;
}

function legend(series: readonly Series[]): Markup {
  if (series.length < 2) return markup("");
  return html`<ul class="legend">${series.map(
    ({ name, color, dashed }) => html`<li><i class="s${color}${dashed ? " dashed" : ""}"></i>${name}</li>`,
  )}</ul>`;
}

/** The ticks whose texts do not run into each other. */
function readable({ x: scale, xText }: Chart, x: (value: number) => number): number[] {
  const kept: number[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const tick of scale.ticks) {
    const half = xText(tick).length * 3.2;
    if (x(tick) - half < end + spaceOfTick) continue;
    kept.push(tick);
    end = x(tick) + half;
  }
  return kept;
}

function horizontal(y: number, text: string): Markup {
  return html`<path class="grid" d="M${plot.left} ${fixed(y)}H${plot.right}"/><text class="tick" x="${plot.left - 7}" y="${fixed(y + 3.5)}" text-anchor="end">${text}</text>`;
}

function vertical(x: number, text: string): Markup {
  return html`<path class="grid" d="M${fixed(x)} ${plot.top}V${plot.bottom}"/><text class="tick" x="${fixed(x)}" y="${plot.bottom + 16}" text-anchor="middle">${text}</text>`;
}

type Place = (value: number) => number;

function line({ points, color, dashed }: Series, x: Place, y: Place): Markup {
  const path = points.map((point, i) => `${i === 0 ? "M" : "L"}${fixed(x(point.x))} ${fixed(y(point.y))}`).join("");
  return html`<path class="line s${color}${dashed ? " dashed" : ""}" d="${path}"/>`;
}

function marks({ points, color }: Series, x: Place, y: Place): Markup[] {
  return points.flatMap(({ x: px, y: py, note, label }) => {
    if (note === undefined) return [];
    const dot = html`<circle class="dot s${color}" cx="${fixed(x(px))}" cy="${fixed(y(py))}" r="4"><title>${note}</title></circle>`;
    if (label === undefined) return [dot];
    // Beside the end of the plot the text stands on the other side.
    const isLate = x(px) > plot.right - 60;
    return [
      dot,
      html`<text class="mark" x="${fixed(x(px) + (isLate ? -8 : 8))}" y="${fixed(Math.max(plot.top + 8, y(py) - 8))}" text-anchor="${isLate ? "end" : "start"}">${label}</text>`,
    ];
  });
}

function fixed(value: number): string {
  return value.toFixed(1);
}
