import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

// A folder may import only from itself and from folders above it in this list (docs/design.md).
const layers = [
  "protocol",
  "report",
  "native",
  "core",
  "nn",
  "optim",
  "tokenizer",
  "models",
  "hub",
  "data",
  "tuner",
  "track",
  "generate",
  "convert",
  "evaluate",
  "engine",
  "jobs",
  "server",
  "bench",
  "cli",
];
const stringLiteral = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/g;
const source = resolve(import.meta.dirname, "../src");

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith(".ts") && statSync(path).isFile());
}

function layerOf(path: string): string {
  const [layer = "", ...rest] = relative(source, path).split("/");
  return rest.length === 0 ? "index" : layer;
}

function relativeImports(path: string): string[] {
  const text = readFileSync(path, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) =>
    resolve(dirname(path), match[1] ?? ""),
  );
}

const modules = sourceFiles(source).filter((path) => !path.endsWith(".test.ts") && layerOf(path) !== "index");

test.each(modules.map((path) => relative(source, path)))(
  "%s imports only from its own layer and those above",
  (name) => {
    const path = join(source, name);
    const own = layers.indexOf(layerOf(path));
    expect(own, `${layerOf(path)} is not a layer`).toBeGreaterThanOrEqual(0);
    for (const target of relativeImports(path)) {
      expect(layers.indexOf(layerOf(target)), `imports ${relative(source, target)}`).toBeLessThanOrEqual(own);
    }
  },
);

test.each(modules.map((path) => relative(source, path)))("%s is one readable thing", (name) => {
  const text = readFileSync(join(source, name), "utf8");
  expect(text.split("\n").length).toBeLessThanOrEqual(400);
  const casts = text
    .split("\n")
    .map((line) => line.replace(stringLiteral, '""'))
    .filter((line) => /\bas (?!const\b)[A-Za-z{[(]/.test(line) && !/^\s*(\*|\/\/|\/\*|import|export \{)/.test(line));
  if (!name.startsWith("native/")) expect(casts, "type casts belong in src/native").toEqual([]);
});

test("the picture in docs/design.md shows the layers in this order", () => {
  const text = readFileSync(resolve(source, "../docs/design.md"), "utf8");
  const picture = text.slice(text.indexOf("\nsrc/\n"), text.indexOf("\nassets/"));
  expect([...picture.matchAll(/^ {2}\(?(\w+)\//gm)].map((match) => match[1])).toEqual(layers);
});
