import { access, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../protocol/user-error.ts";

/** The files of a data folder, absent where nothing is written to it. */
export interface SplitFiles {
  train: string;
  valid: string;
}

/** Ends with a UserError where the folder has training data already and it is not to be replaced. */
export async function requireNoData(folder: string, force: boolean): Promise<void> {
  for (const name of ["train.jsonl", "valid.jsonl"]) {
    const path = join(folder, name);
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists && !force) throw new UserError("data/convert-exists", { path });
  }
}

/**
 * Writes `train.jsonl` and `valid.jsonl`. Both are whole beside their places before either is renamed into it;
 * without validation rows an old `valid.jsonl` goes, for it would belong to other training data.
 */
export async function writeSplit(folder: string, rows: { train: unknown[]; valid: unknown[] }): Promise<SplitFiles> {
  const files = { train: join(folder, "train.jsonl"), valid: join(folder, "valid.jsonl") };
  const temporary = [files.train, files.valid].map((path) => `${path}.${process.pid}.tmp`);
  const [train = "", valid = ""] = temporary;
  try {
    await mkdir(folder, { recursive: true });
    await writeLines(train, rows.train);
    if (rows.valid.length > 0) await writeLines(valid, rows.valid);
    await rename(train, files.train);
    if (rows.valid.length > 0) await rename(valid, files.valid);
    else await rm(files.valid, { force: true });
  } catch (error) {
    await Promise.all(temporary.map((path) => rm(path, { force: true }).catch(() => {})));
    if (!(error instanceof Error) || !("code" in error)) throw error;
    throw new UserError("file/write-failed", { path: folder, reason: error.message });
  }
  return files;
}

async function writeLines(path: string, rows: readonly unknown[]): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    await file.sync();
  } finally {
    await file.close();
  }
}
