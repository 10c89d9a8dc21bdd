import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { freeBytes } from "../core/disk.ts";
import { discard, partSuffix } from "../core/text-file.ts";
import { UserError } from "../protocol/user-error.ts";

export interface Target {
  /** The folder that the model comes from. */
  source: string;
  /** The folder to make. */
  target: string;
  /** Replace a model that is at `target` already. */
  force: boolean;
}

/**
 * To ask before the work begins.
 * @throws UserError when `target` is the source or lies around it, is no folder, or has content that may not be replaced: any
 * that is not forced, and any that is no model.
 */
export function requireTarget({ source, target, force }: Target): void {
  const [from, to] = [realPath(source), realPath(target)];
  if (to === from) throw new UserError("file/onto-source", { path: target });
  const file = fileOnTheWayTo(target);
  if (file !== undefined) throw new UserError("file/not-a-folder", { path: target, file });
  if (!existsSync(target)) return;
  const names = readdirSync(target);
  if (names.length === 0) return;
  if (from.startsWith(to + sep)) throw new UserError("file/around-source", { path: target, source });
  if (!names.includes("config.json")) throw new UserError("file/target-not-a-model", { path: target, names });
  if (!force) throw new UserError("file/target-exists", { path: target });
}

/** @throws UserError when the disk of `target` has no room for so many bytes beside what is there. */
export function requireRoom(target: string, neededBytes: number): void {
  const free = freeBytes(target);
  if (neededBytes > free) throw new UserError("file/no-room", { path: target, neededBytes, freeBytes: free });
}

/**
 * Lets `write` fill a folder beside `target` and renames it into place.
 * @throws UserError when that fails, and what `write` throws when `signal` is aborted; what was at `target` stays.
 */
export async function writeFolder(
  target: string,
  write: (folder: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const part = `${resolve(target)}.part`;
  discard(part); // what a killed run left
  try {
    mkdirSync(part, { recursive: true });
    await write(part);
    moveInto(target, part);
  } catch (error) {
    discard(part);
    if (error instanceof UserError || error === signal?.reason) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError("file/write-failed", { path: target, reason });
  }
}

/** What was at `target` is only removed when the new is in its place. */
function moveInto(target: string, part: string): void {
  if (!existsSync(target)) {
    renameSync(part, target);
    return;
  }
  const previous = `${resolve(target)}.${partSuffix()}`;
  renameSync(target, previous);
  try {
    renameSync(part, target);
  } catch (error) {
    renameSync(previous, target);
    throw error;
  }
  rmSync(previous, { recursive: true, force: true });
}

/** The path without links, of what is not there yet too. */
function realPath(path: string): string {
  const whole = resolve(path);
  if (existsSync(whole) || dirname(whole) === whole) return realpathSync(whole);
  return join(realPath(dirname(whole)), whole.slice(dirname(whole).length));
}

/** The path itself, or the nearest above it that exists, if it is no folder. */
function fileOnTheWayTo(path: string): string | undefined {
  if (!existsSync(path)) return dirname(path) === path ? undefined : fileOnTheWayTo(dirname(path));
  return statSync(path).isDirectory() ? undefined : path;
}
