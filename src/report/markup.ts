/** Text that is HTML already. */
export class Markup {
  constructor(readonly source: string) {}
}

type Part = string | number | Markup | readonly Part[];

/** HTML with values in it: texts are escaped, markup and lists of it are taken as they are. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((text, i) => (i === 0 ? "" : sourceOf(parts[i - 1] ?? "")) + text).join(""));
}

/** Text that was written by us as HTML. */
export function markup(source: string): Markup {
  return new Markup(source);
}

function sourceOf(part: Part): string {
  if (part instanceof Markup) return part.source;
  if (typeof part === "object") return part.map(sourceOf).join("");
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
