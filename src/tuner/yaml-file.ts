import { readFileSync } from "node:fs";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { UserError } from "../protocol/user-error.ts";

export interface YamlFile {
  /** Keys whose value is null are left out: in mlx-lm null means unset. */
  values: Record<string, unknown>;
  /** `file:line` of the key at `path`, or of the nearest one above it that is there. */
  locate(path: readonly PropertyKey[]): string;
}

/**
 * Reads a YAML 1.1 mapping, which is what Python's reader takes, with `1e-5` a number (in mlx-lm too).
 * @throws UserError when there is no such file, it is not YAML, or it is not a mapping.
 */
export function readYamlFile(path: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { version: "1.1", lineCounter: lines });
  const [error] = document.errors;
  if (error) {
    const line = lines.linePos(error.pos[0]).line;
    throw new UserError("config/not-yaml", { path, line, reason: error.message.split(" at line")[0] ?? "" });
  }
  const root: unknown = document.toJS();
  if (root !== null && (typeof root !== "object" || Array.isArray(root))) {
    throw new UserError("config/not-a-mapping", { path });
  }
  return {
    values: withoutNulls(root ?? {}),
    locate: (keys) => `${path}:${lines.linePos(offsetOf(document.contents, keys)).line}`,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError("file/not-found", { path, what: "config" });
  }
}

/** Where the last key of `path` stands in the text. */
function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (!pair || !isScalar(pair.key)) return offset;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === "number") {
      node = node.items[key];
      if (isScalar(node)) offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}

function withoutNulls(mapping: object): Record<string, unknown> {
  const isMapping = (value: unknown): value is object =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = Object.entries(mapping).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([key, value]) => [key, isMapping(value) ? withoutNulls(value) : value]));
}
