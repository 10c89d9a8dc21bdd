import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Stands for the line ends in a text, since the file has a text a line: Unicode's line separator. */
const lineEnd = "\u2028";

function historyPath(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "cygnet", "chat-history");
}

/** What was typed before, the latest first. */
export function readHistory(): string[] {
  try {
    const texts = readFileSync(historyPath(), "utf8").split("\n").filter(Boolean);
    return texts.map((text) => text.replaceAll(lineEnd, "\n"));
  } catch {
    return [];
  }
}

/** A history that cannot be kept is no reason to stop a conversation. */
export function writeHistory(texts: readonly string[]): void {
  try {
    mkdirSync(dirname(historyPath()), { recursive: true, mode: 0o700 });
    const lines = texts.map((text) => text.replaceAll("\n", lineEnd));
    writeFileSync(historyPath(), lines.join("\n"), { mode: 0o600 });
  } catch {}
}
