import { readFile } from "node:fs/promises";
import { UserError } from "../protocol/user-error.ts";

/** One value of a JSONL file, or why its line is none. */
export interface JsonLine {
  /** Counted from 1. */
  line: number;
  /** Absent where `problem` says why. */
  value?: unknown;
  problem?: string;
}

/** The text of a UTF-8 file without its byte-order mark; undefined where there is no file. */
export async function readUtf8(path: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    if (error.code === "ENOENT") return undefined;
    if (error.code === "EISDIR") throw new UserError("file/is-folder", { path });
    throw new UserError("data/unreadable", { file: path, reason: error.message });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UserError("data/not-utf8", { file: path, line: firstBadLine(bytes) });
  }
}

/** The values of JSONL text. Blank lines are skipped and counted; line ends may be those of Windows. */
export function parseJsonLines(text: string): JsonLine[] {
  return text.split("\n").flatMap((source, index): JsonLine[] => {
    if (source.trim() === "") return [];
    const line = index + 1;
    try {
      return [{ line, value: JSON.parse(source) }];
    } catch (error) {
      return [{ line, problem: error instanceof Error ? error.message : String(error) }];
    }
  });
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const part = bytes.subarray(start, end);
    if (!Buffer.from(part.toString("utf8"), "utf8").equals(part)) break;
    start = end + 1;
  }
  return line;
}
