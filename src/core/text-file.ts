import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "../protocol/user-error.ts";

/**
 * Writes `text` beside `path` and renames it into place, so that `path` is always absent or whole. Makes its folder.
 * @throws UserError when it cannot be written; what was at `path` stays.
 */
export function writeTextFile(path: string, text: string): void {
  const temporary = `${path}.${partSuffix()}`;
  makeFolder(dirname(path));
  try {
    const file = openSync(temporary, "w");
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    discard(temporary);
    throw new UserError("file/write-failed", { path, reason: error instanceof Error ? error.message : String(error) });
  }
}

/** Ends the name of a file being written: no two writers of one path, in whatever process, share it. */
export function partSuffix(): string {
  return `${randomBytes(4).toString("hex")}.part`;
}

/** Removes what a failed write left; the failure itself is what is told. */
export function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Nothing was written where nothing can be removed.
  }
}

/**
 * Makes a folder and those above it, where they are not there.
 * @throws UserError when one cannot be made.
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new UserError("file/write-failed", { path, reason: error instanceof Error ? error.message : String(error) });
  }
}

/** @throws UserError when the file cannot be read. */
export function readTextFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") throw new UserError("file/absent", { path });
    if (code === "EISDIR") throw new UserError("file/is-folder", { path });
    throw new UserError("file/unreadable", { path, reason: error instanceof Error ? error.message : String(error) });
  }
}

/**
 * The value that a JSON file holds.
 * @throws UserError when the file cannot be read or is not JSON.
 */
export function readJsonFile(path: string): unknown {
  const text = readTextFile(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError("file/not-json", { path, reason: error instanceof Error ? error.message : String(error) });
  }
}
