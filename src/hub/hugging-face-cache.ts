import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { makeFolder, writeTextFile } from "../core/text-file.ts";
import { UserError } from "../protocol/user-error.ts";
import type { Listing, RemoteFile, Repository } from "./repository.ts";
import type { RepositoryCache } from "./repository-cache.ts";
import { readTree, writeTree } from "./trees.ts";

/**
 * `huggingface_hub`'s layout: `models--ORG--NAME/` with the contents in `blobs/CHECKSUM`, links to them in
 * `snapshots/COMMIT/`, and `refs/REVISION`, which holds a commit.
 */
export class HuggingFaceCache implements RepositoryCache {
  readonly root: string;

  constructor(
    readonly repository: Repository,
    cacheFolder: string,
  ) {
    this.root = join(cacheFolder, `${repository.kind}s--${repository.name.replace("/", "--")}`);
  }

  folderOf({ commit }: Pick<Listing, "commit">): string {
    return join(this.root, "snapshots", commit);
  }

  currentCommit(): string | undefined {
    const { revision } = this.repository;
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const path = this.#refPath();
    return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
  }

  knownListing(commit: string): Listing | undefined {
    return readTree(this.root, commit);
  }

  keepListing(listing: Listing): void {
    writeTree(this.root, listing);
  }

  contentPath(_listing: Listing, { path, sha256, gitOid }: RemoteFile): string {
    const name = sha256 ?? gitOid;
    if (!name || !/^[0-9a-f]{40,64}$/.test(name)) {
      throw new UserError("hub/no-checksum", { name: this.repository.name, path });
    }
    return join(this.root, "blobs", name);
  }

  async hasContent(listing: Listing, file: RemoteFile): Promise<boolean> {
    return statSync(this.contentPath(listing, file), { throwIfNoEntry: false })?.size === file.size;
  }

  link(listing: Listing, file: RemoteFile): void {
    const link = join(this.folderOf(listing), file.path);
    const content = this.contentPath(listing, file);
    if (pointsTo(link, content)) return;
    makeFolder(dirname(link));
    // Renamed into place, so that there is always a link, the old or the new.
    const temporary = `${link}.${randomBytes(4).toString("hex")}.tmp`;
    symlinkSync(relative(dirname(link), content), temporary);
    renameSync(temporary, link);
  }

  unlink(listing: Listing, file: RemoteFile): void {
    rmSync(join(this.folderOf(listing), file.path), { force: true });
  }

  setCurrent({ commit }: Listing): void {
    if (this.repository.revision !== commit && this.currentCommit() !== commit) writeTextFile(this.#refPath(), commit);
  }

  #refPath(): string {
    return join(this.root, "refs", this.repository.revision);
  }
}

function pointsTo(link: string, content: string): boolean {
  return existsSync(link) && existsSync(content) && realpathSync(link) === realpathSync(content);
}
