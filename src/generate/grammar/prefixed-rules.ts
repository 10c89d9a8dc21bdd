import type { Grammar } from "./schema-grammar.ts";

/** The same grammar under other names of rules. */
export function prefixed(grammar: Grammar, prefix: string): Grammar {
  const names = new Set([...grammar.matchAll(/^(\w+) ::=/gm)].map(([, name]) => name));
  // Texts in quotes, classes in brackets, or names.
  return grammar.replace(/"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\w+/g, (word) =>
    names.has(word) ? prefix + word : word,
  );
}
