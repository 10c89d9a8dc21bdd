// Files that lie in memory before they are timed.
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

const buffer = Buffer.alloc(2 ** 22);

/** Reads a file, or the files of a folder, so that they are in the system's page cache. */
export function readThrough(path) {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path)) readThrough(join(path, name));
    return;
  }
  const file = openSync(path);
  while (readSync(file, buffer) > 0);
  closeSync(file);
}
