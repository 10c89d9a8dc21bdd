import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/**
 * Markdown as styled text for a terminal, while it streams: headings, bold, code, fenced blocks and bullets. What may become
 * a mark is held back until it is clear; all other text goes on at once. Rows of tables keep their marks, since their columns
 * stand below each other only as they were written.
 */
export class MarkdownStream {
  readonly #styled: boolean;
  #held = "";
  #atLineStart = true;
  #fenced = false;
  #tableRow = false;
  #heading = false;
  #bold = false;
  #code = false;

  /** styled: false gives the text as it is. */
  constructor(styled: boolean) {
    this.#styled = styled;
  }

  add(text: string): string {
    if (!this.#styled) return text;
    this.#held += text;
    let out = "";
    for (let step = this.#step(false); step !== undefined; step = this.#step(false)) out += step;
    return out;
  }

  finish(): string {
    let out = "";
    for (let step = this.#step(true); step !== undefined; step = this.#step(true)) out += step;
    return out;
  }

  /** The next piece that is certain, or undefined. */
  #step(isEnd: boolean): string | undefined {
    const held = this.#held;
    if (held === "") return undefined;
    if (this.#atLineStart) return this.#lineStart(held, isEnd);
    if (held.startsWith("\n")) return this.#lineEnd();
    if (this.#fenced) return this.#take(until(held, "\n"), "cyan");
    if (this.#tableRow) return this.#take(until(held, "\n"), undefined);
    const mark = /^(\*\*|`)/.exec(held)?.[0];
    if (mark === "**" && !this.#code) {
      if (held === "**" && !this.#bold && !isEnd) return undefined;
      if (this.#bold || !/^\*\*(\s|$)/.test(held)) return this.#toggle(2, () => (this.#bold = !this.#bold));
      return this.#take(2, this.#style());
    }
    if (mark === "`") return this.#toggle(1, () => (this.#code = !this.#code));
    if (held === "*" && !isEnd) return undefined;
    return this.#take(Math.max(1, until(held.slice(1), "\n", "*", "`") + 1), this.#style());
  }

  /** Marks that stand at the beginning of a line; what may become one waits for more. */
  #lineStart(held: string, isEnd: boolean): string | undefined {
    const line = held.split("\n", 1)[0] ?? "";
    const isWhole = held.includes("\n") || isEnd;
    const mayBecomeMark = line !== "" && (/^\s*(`{1,2}|[-*])?$/.test(line) || /^#{1,6}$/.test(line));
    if (!isWhole && (mayBecomeMark || /^\s*```/.test(line))) return undefined;
    this.#atLineStart = false;
    if (/^\s*```/.test(line)) {
      this.#fenced = !this.#fenced;
      return this.#take(line.length, "dim");
    }
    if (this.#fenced) return "";
    this.#tableRow = /^\s*\|/.test(line);
    if (this.#tableRow) return "";
    const heading = /^#{1,6} /.exec(line)?.[0];
    if (heading) {
      this.#heading = true;
      this.#held = held.slice(heading.length);
      return "";
    }
    const [bullet = "", indent = ""] = /^(\s*)[-*] /.exec(line) ?? [];
    this.#held = held.slice(bullet.length);
    return bullet === "" ? "" : `${indent}• `;
  }

  #lineEnd(): string {
    this.#held = this.#held.slice(1);
    this.#atLineStart = true;
    this.#heading = false;
    this.#bold = false;
    this.#code = false;
    return "\n";
  }

  #toggle(length: number, change: () => void): string {
    this.#held = this.#held.slice(length);
    change();
    return "";
  }

  #take(length: number, style: Style | undefined): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return style && text !== "" ? styleText(style, text, { validateStream: false }) : text;
  }

  #style(): Style | undefined {
    if (this.#code) return "cyan";
    if (this.#heading) return ["bold", "underline"];
    return this.#bold ? "bold" : undefined;
  }
}

/** Where the first of some marks stands, or the text ends. */
function until(text: string, ...marks: string[]): number {
  return Math.min(text.length, ...marks.map((mark) => text.indexOf(mark)).filter((at) => at >= 0));
}
