import { existsSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Bytes free on the disk where `path` lies or would be made. */
export function freeBytes(path: string): number {
  if (!existsSync(path)) return freeBytes(join(path, ".."));
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
