import type { Listing, RemoteFile, Repository } from "./repository.ts";

/** A repository's place in the cache of its hub's Python tool. */
export interface RepositoryCache {
  readonly repository: Repository;
  /** Everything of the repository, for removing it. */
  readonly root: string;
  /** The folder of a commit's files, whether they are there or not. */
  folderOf(listing: Pick<Listing, "commit">): string;
  /** The commit that was last downloaded whole for the repository's revision. */
  currentCommit(): string | undefined;
  /** What was listed for a commit, where that was kept. */
  knownListing(commit: string): Listing | undefined;
  /** Keeps what was listed, so that a copy's completeness can be told without the hub. */
  keepListing(listing: Listing): void;
  /** Where the content of a file is put once it is whole. */
  contentPath(listing: Listing, file: RemoteFile): string;
  /** Whether the content of a file is there. Where names do not tell the content it is read and compared. */
  hasContent(listing: Listing, file: RemoteFile): Promise<boolean>;
  /** Puts a file whose content is there into the commit's folder. */
  link(listing: Listing, file: RemoteFile): void;
  /** Takes a file out of the commit's folder. */
  unlink(listing: Listing, file: RemoteFile): void;
  /** Makes a commit the one that the revision stands for. */
  setCurrent(listing: Listing): void;
}
