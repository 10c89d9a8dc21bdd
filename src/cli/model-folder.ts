import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { resolveRepository } from "../hub/resolve.ts";
import type { HubName } from "../hub/settings.ts";
import { UserError } from "../protocol/user-error.ts";
import { DownloadLine } from "./download-line.ts";
import type { Ui } from "./ui.ts";

/**
 * The folder for `--model`: see `resolveRepository`. A download shows its progress. A GGUF file is unpacked once, into a
 * folder of Cygnet's cache.
 */
export async function modelFolder(
  { model, hub, offline }: { model: string; hub?: HubName | undefined; offline: boolean },
  ui: Ui,
): Promise<string> {
  if (model.endsWith(".gguf")) return unpacked(model, ui);
  const line = new DownloadLine(ui);
  try {
    return await resolveRepository(model, "model", { hub, offline, ...line.hooks });
  } finally {
    line.end();
  }
}

async function unpacked(file: string, ui: Ui): Promise<string> {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new UserError("file/absent", { path: file });
  const state = `${resolve(file)} ${stat.size} ${stat.mtimeMs}`;
  const key = createHash("sha256").update(state).digest("hex").slice(0, 12);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "cygnet", "gguf", `${basename(file, ".gguf")}-${key}`);
  if (existsSync(folder)) return folder;
  ui.say("gguf/unpacking", { path: file, folder });
  const { importGguf } = await import("../convert/gguf/import-gguf.ts");
  await importGguf(file, folder);
  return folder;
}
