import { createReadStream, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Digest } from "./digest.ts";
import type { Listing, RemoteFile, Repository } from "./repository.ts";
import type { RepositoryCache } from "./repository-cache.ts";
import { readTree, writeTree } from "./trees.ts";

/**
 * `modelscope`'s layout: plain files in `models/ORG--NAME/snapshots/REVISION/`. A folder of the package's older versions
 * (before 1.38), with `___` for dots and without revisions, is used where there is one, as the package itself does.
 */
export class ModelScopeCache implements RepositoryCache {
  readonly root: string;
  readonly #isLegacy: boolean;

  constructor(
    readonly repository: Repository,
    cacheFolder: string,
  ) {
    const { kind, name } = repository;
    const current = join(cacheFolder, `${kind}s`, name.replace("/", "--"));
    const { first, last } = legacyFolders(cacheFolder, repository);
    const found = [...first, current, ...last].find(hasEntries) ?? current;
    this.#isLegacy = found !== current;
    this.root = found;
  }

  folderOf(): string {
    return this.#isLegacy ? this.root : join(this.root, "snapshots", this.repository.revision);
  }

  currentCommit(): string | undefined {
    return existsSync(this.folderOf()) ? this.repository.revision : undefined;
  }

  knownListing(commit: string): Listing | undefined {
    return this.#isLegacy ? undefined : readTree(this.root, commit);
  }

  keepListing(listing: Listing): void {
    if (!this.#isLegacy) writeTree(this.root, listing);
  }

  contentPath(_listing: Listing, { path }: RemoteFile): string {
    return join(this.folderOf(), path);
  }

  async hasContent(listing: Listing, file: RemoteFile): Promise<boolean> {
    const path = this.contentPath(listing, file);
    if (statSync(path, { throwIfNoEntry: false })?.size !== file.size) return false;
    const digest = new Digest(file);
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 22 })) digest.update(chunk);
    return digest.matches();
  }

  link(): void {}

  unlink(listing: Listing, file: RemoteFile): void {
    rmSync(this.contentPath(listing, file), { force: true });
  }

  setCurrent(): void {}
}

/** Older places, before and after today's in the order in which the package looks. */
function legacyFolders(cacheFolder: string, { kind, name }: Repository): { first: string[]; last: string[] } {
  const [owner = "", plain = ""] = name.split("/");
  const safe = plain.replaceAll(".", "___");
  const below = (...path: string[]) => join(cacheFolder, ...path);
  // Before there were kinds, all were models.
  const flat = [below(owner, plain), below(owner, safe), below("hub", owner, plain), below("hub", owner, safe)];
  return {
    first: [below(`${kind}s`, owner, safe), below("hub", `${kind}s`, owner, safe)],
    last: [...(kind === "model" ? flat : []), below(`${kind}s`, owner, plain)],
  };
}

function hasEntries(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
