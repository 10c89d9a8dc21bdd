import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../core/text-file.ts";
import { HuggingFaceCache } from "./hugging-face-cache.ts";
import { ModelScopeCache } from "./modelscope-cache.ts";
import type { Repository } from "./repository.ts";
import type { RepositoryCache } from "./repository-cache.ts";
import { hubSettings } from "./settings.ts";
import { wantedFiles } from "./wanted-files.ts";

export function cacheOf(repository: Repository): RepositoryCache {
  const { cacheFolder } = hubSettings(repository.hub);
  return repository.hub === "hf"
    ? new HuggingFaceCache(repository, cacheFolder)
    : new ModelScopeCache(repository, cacheFolder);
}

/** A copy of a repository on this machine, made by Cygnet or by the hub's Python tool. */
export interface LocalCopy {
  folder: string;
  commit: string;
  /** Files without which it cannot be used. */
  missing: string[];
}

export function findCopy(repository: Repository): LocalCopy | undefined {
  const cache = cacheOf(repository);
  const commit = cache.currentCommit();
  if (commit === undefined) return undefined;
  const folder = cache.folderOf({ commit });
  if (!existsSync(folder)) return undefined;
  const listing = cache.knownListing(commit);
  const missing = listing
    ? wantedFiles(listing.files, repository.kind).needed.filter((file) => sizeAt(folder, file.path) !== file.size)
    : undefined;
  return { folder, commit, missing: missing?.map(({ path }) => path) ?? missingParts(folder, repository) };
}

/** What a model folder lacks, where nobody kept a list of its files. */
function missingParts(folder: string, { kind }: Repository): string[] {
  if (kind === "dataset") return [];
  const has = (name: string) => existsSync(join(folder, name));
  const missing = ["config.json"].filter((name) => !has(name));
  const files = readdirSync(folder);
  if (!files.some((name) => /^tokenizer\.(json|model)$|\.tiktoken$/.test(name))) missing.push("tokenizer.json");
  const index = join(folder, "model.safetensors.index.json");
  if (existsSync(index)) {
    const parsed = z.object({ weight_map: z.record(z.string(), z.string()) }).safeParse(readJsonFile(index));
    const shards = parsed.success ? Object.values(parsed.data.weight_map) : ["model.safetensors"];
    missing.push(...[...new Set(shards)].filter((name) => !has(name)));
  } else if (!files.some((name) => /^model.*\.safetensors$/.test(name))) {
    missing.push("model.safetensors");
  }
  return missing;
}

function sizeAt(folder: string, path: string): number | undefined {
  return statSync(join(folder, path), { throwIfNoEntry: false })?.size;
}
