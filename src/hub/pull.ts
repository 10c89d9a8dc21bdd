import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { freeBytes } from "../core/disk.ts";
import { UserError } from "../protocol/user-error.ts";
import { cacheOf } from "./cache.ts";
import { downloadFile } from "./download-file.ts";
import { RemoteRepository } from "./hub.ts";
import { partialSize } from "./partial-file.ts";
import type { Listing, RemoteFile, Repository } from "./repository.ts";
import type { RepositoryCache } from "./repository-cache.ts";
import { type RetryPause, withRetries } from "./retry.ts";
import { foreignWeights, hasWeights, matchingFiles, wantedFiles } from "./wanted-files.ts";

const ModelType = z.looseObject({ model_type: z.string() });

/** Files that are downloaded at once. */
const parallel = 4;
/** A model folder is one by its config.json: that comes last. */
const lastFile = "config.json";

export interface PullProgress {
  repository: Repository;
  /** Bytes of this machine's files and of what is still to come. */
  bytes: number;
  totalBytes: number;
  files: number;
  filesDone: number;
  /** Whether files that are there are compared with their checksums. */
  checking: boolean;
}

export interface PullHooks {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: PullProgress) => void) | undefined;
  onPause?: ((pause: RetryPause) => void) | undefined;
  /** Told the `model_type` before a model's weights are downloaded; what it throws ends the pull. */
  onModelType?: ((type: string) => void) | undefined;
}

export interface PullOptions extends PullHooks {
  /** Patterns of paths to download in place of what is needed to use the repository. */
  include?: readonly string[] | undefined;
}

export interface Pulled {
  folder: string;
  commit: string;
  files: string[];
  bytes: number;
  downloadedBytes: number;
}

/**
 * Brings the cache's copy of a repository up to date with its hub. What is there is not downloaded again, what was
 * interrupted goes on, and nothing has its name before it is whole and checked.
 * @throws UserError when the hub does not give it, the disk is too full, or there is nothing that Cygnet can use.
 */
export async function pull(repository: Repository, options: PullOptions = {}): Promise<Pulled> {
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const remote = new RemoteRepository(repository, { signal, onPause: options.onPause });
  try {
    const listing = await remote.list();
    const files = chooseFiles(repository, listing, options.include);
    const run = new PullRun(remote, cacheOf(repository), listing, files, { ...options, signal });
    return await run.finish(stop).catch((error: unknown) => {
      throw run.explainWrite(error);
    });
  } finally {
    await remote.http.close();
  }
}

function chooseFiles(
  repository: Repository,
  { files }: Listing,
  include: readonly string[] | undefined,
): readonly RemoteFile[] {
  const { name, kind, hub } = repository;
  if (include && include.length > 0) {
    const chosen = matchingFiles(files, include).needed;
    const paths = files.map(({ path }) => path);
    if (chosen.length === 0) throw new UserError("hub/no-match", { name, patterns: include, files: paths });
    return chosen;
  }
  const { needed, extra } = wantedFiles(files, kind);
  if (kind === "model" && !hasWeights(files)) {
    throw new UserError("hub/no-safetensors", { name, hub, found: foreignWeights(files) });
  }
  return [...needed, ...extra];
}

class PullRun {
  #downloaded = 0;
  #isKept = false;
  #progress: PullProgress;

  constructor(
    readonly remote: RemoteRepository,
    readonly cache: RepositoryCache,
    readonly listing: Listing,
    readonly files: readonly RemoteFile[],
    readonly hooks: PullOptions & { signal: AbortSignal },
  ) {
    const totalBytes = sum(files.map(({ size }) => size));
    const counts = { files: files.length, filesDone: 0, bytes: 0, totalBytes };
    this.#progress = { repository: remote.repository, ...counts, checking: false };
  }

  async finish(stop: AbortController): Promise<Pulled> {
    const { cache, listing, files } = this;
    const missing = await this.#missing();
    await this.#tellType(missing);
    requireSpace(cache, listing, missing);
    this.#tell({ checking: false });
    const last = files.find(({ path }) => path === lastFile);
    // While files are replaced the folder is no model, so that nobody loads half of the old and half of the new.
    const isReplacing = missing.some((file) => existsSync(cache.contentPath(listing, file)));
    if (last && isReplacing) {
      cache.unlink(listing, last);
      if (!missing.includes(last)) this.#done(-last.size);
    }
    for (const file of files) if (file.path !== lastFile && !missing.includes(file)) cache.link(listing, file);
    const rest = missing.filter(({ path }) => path !== lastFile).sort((a, b) => a.size - b.size);
    await this.#inParallel(rest, stop);
    if (last && (isReplacing || missing.includes(last))) await this.#inParallel([last], stop);
    else if (last) cache.link(listing, last);
    // A copy that is whole may lie where nobody can write.
    if (missing.length > 0 || !cache.knownListing(listing.commit)) cache.keepListing(listing);
    // Some files alone do not make a newer commit the current one.
    if (!this.hooks.include?.length || cache.currentCommit() === undefined) cache.setCurrent(listing);
    const paths = files.map(({ path }) => path);
    const folder = cache.folderOf(listing);
    return {
      folder,
      commit: listing.commit,
      files: paths,
      bytes: this.#progress.totalBytes,
      downloadedBytes: this.#downloaded,
    };
  }

  /** What a full or read-only disk says becomes a message; any other error stays. */
  explainWrite(error: unknown): unknown {
    if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
    const { bytes, totalBytes } = this.#progress;
    if (error.code === "ENOSPC" || error.code === "EDQUOT") return diskFull(this.cache, totalBytes - bytes);
    return new UserError("file/write-failed", { path: this.cache.root, reason: error.message });
  }

  async #missing(): Promise<RemoteFile[]> {
    const missing: RemoteFile[] = [];
    for (const file of this.files) {
      this.hooks.signal.throwIfAborted();
      this.#tell({ checking: true });
      if (await this.cache.hasContent(this.listing, file)) this.#done(file.size);
      else missing.push(file);
    }
    return missing;
  }

  /** A model that cannot be used should not be downloaded unknowingly. */
  async #tellType(missing: readonly RemoteFile[]): Promise<void> {
    const { remote, listing, hooks } = this;
    if (!hooks.onModelType || !missing.some(({ path }) => path === lastFile)) return;
    const url = remote.urlOf(listing, lastFile);
    const text = await remote.explained(() => withRetries(() => remote.http.text(url), hooks));
    const config = ModelType.safeParse(parsedJson(text));
    if (config.success) hooks.onModelType(config.data.model_type);
  }

  /** Downloads files, several at once; the first failure stops the others, which keep what they have. */
  async #inParallel(files: readonly RemoteFile[], stop: AbortController): Promise<void> {
    const queue = [...files];
    const worker = async () => {
      for (let file = queue.shift(); file; file = queue.shift()) {
        if (await this.#fetch(file)) continue;
        queue.push(file); // another pull is at it: this one does the others first
        await sleep(500, undefined, { signal: this.hooks.signal });
      }
    };
    const guarded = () =>
      worker().catch((error: unknown) => {
        stop.abort(error);
        throw error;
      });
    const results = await Promise.allSettled(Array.from({ length: Math.min(parallel, files.length) }, guarded));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw stop.signal.reason ?? failed.reason;
  }

  async #fetch(file: RemoteFile): Promise<boolean> {
    const { remote, cache, listing, hooks } = this;
    let counted = 0;
    const done = await remote.explained(() =>
      downloadFile({
        http: remote.http,
        url: remote.urlOf(listing, file.path),
        file,
        target: cache.contentPath(listing, file),
        isThere: () => cache.hasContent(listing, file),
        signal: hooks.signal,
        onPause: hooks.onPause,
        onBytes: (change, received) => {
          counted += change;
          if (received) this.#downloaded += change;
          this.#tell({ bytes: this.#progress.bytes + change });
        },
      }),
    );
    if (!done) return false;
    cache.link(listing, file);
    // Kept from the first file on: from then on there is a copy that lacks others.
    if (!this.#isKept) cache.keepListing(listing);
    this.#isKept = true;
    this.#done(file.size - counted);
    return true;
  }

  /** Counts a file in, or, with what it had as a negative number, out again. */
  #done(bytes: number): void {
    const files = bytes < 0 ? -1 : 1;
    this.#tell({ bytes: this.#progress.bytes + bytes, filesDone: this.#progress.filesDone + files });
  }

  #tell(change: Partial<PullProgress>): void {
    this.#progress = { ...this.#progress, ...change };
    this.hooks.onProgress?.(this.#progress);
  }
}

/** @throws UserError when the disk has no room for what is still to come. */
function requireSpace(cache: RepositoryCache, listing: Listing, missing: readonly RemoteFile[]): void {
  const needed = sum(missing.map((file) => file.size - partialSize(cache.contentPath(listing, file))));
  if (needed > freeBytes(cache.root)) throw diskFull(cache, needed);
}

function diskFull(cache: RepositoryCache, needed: number): UserError {
  const { hub, name } = cache.repository;
  const free = freeBytes(cache.root);
  return new UserError("hub/disk-full", { hub, name, folder: dirname(cache.root), needed, free });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the file's checksum will tell
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
