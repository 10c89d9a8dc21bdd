import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJsonFile, writeTextFile } from "../core/text-file.ts";
import type { Listing, RemoteFile } from "./repository.ts";

const Tree = z.object({
  format_version: z.literal(1),
  files: z.record(
    z.string(),
    z.object({
      size: z.number(),
      blob_id: z.string().nullish(),
      lfs_sha256: z.string().nullish(),
      lfs_size: z.number().nullish(),
      xet_hash: z.string().nullish(),
    }),
  ),
});

/**
 * What was listed for a commit. `huggingface_hub` 2 keeps it in `trees/COMMIT.json` of a repository's cache folder, and so
 * tells an interrupted download from a whole one. Ours has the same format and a name of its own: beside a list of all
 * files Python would call a copy incomplete that lacks those which nobody needs.
 */
export function readTree(root: string, commit: string): Listing | undefined {
  const path = [ourPath(root, commit), join(root, "trees", `${commit}.json`)].find((each) => existsSync(each));
  const parsed = path ? Tree.safeParse(readJsonFile(path)) : undefined;
  if (!parsed?.success) return undefined;
  const files = Object.entries(parsed.data.files).map(([name, facts]) => ({
    path: name,
    size: facts.lfs_size ?? facts.size,
    sha256: facts.lfs_sha256 ?? undefined,
    gitOid: facts.blob_id || undefined,
    xetHash: facts.xet_hash ?? undefined,
  }));
  return { commit, files };
}

export function writeTree(root: string, { commit, files }: Listing): void {
  const entries = [...files].sort((a, b) => (a.path < b.path ? -1 : 1)).map((file) => [file.path, treeEntry(file)]);
  const tree = { format_version: 1, files: Object.fromEntries(entries) };
  writeTextFile(ourPath(root, commit), JSON.stringify(tree, null, 1));
}

function treeEntry({ size, gitOid, sha256, xetHash }: RemoteFile): object {
  const lfs = sha256 ? { lfs_sha256: sha256, lfs_size: size } : {};
  return { size, blob_id: gitOid ?? "", ...lfs, ...(xetHash ? { xet_hash: xetHash } : {}) };
}

function ourPath(root: string, commit: string): string {
  return join(root, "trees", `${commit}.cygnet.json`);
}
