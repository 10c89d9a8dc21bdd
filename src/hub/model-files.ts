import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../protocol/user-error.ts";
import { HttpStatusError } from "./http.ts";
import { RemoteRepository } from "./hub.ts";
import type { Listing, Repository } from "./repository.ts";
import { withRetries } from "./retry.ts";
import { readBytes, readHeader, type SafetensorsHeader } from "./safetensors-header.ts";
import { foreignWeights, hasWeights, wantedFiles } from "./wanted-files.ts";

/** A model's files, here or on its hub, read without downloading weights. */
export interface ModelFiles {
  /** Where they are, to name it in messages. */
  source: string;
  /** The name of the model. */
  name: string;
  /** Undefined for a file that is not there. */
  text(path: string): Promise<string | undefined>;
  headers(): Promise<SafetensorsHeader[]>;
  /** Bytes of the files that Cygnet downloads. */
  bytes: number;
  close(): Promise<void>;
}

const isWeights = (name: string) => /^model[^/]*\.safetensors$/.test(name);

/** The files of a model folder. */
export function localModelFiles(folder: string, name = folder): ModelFiles {
  const files = existsSync(folder) ? readdirSync(folder).filter((each) => statSync(join(folder, each)).isFile()) : [];
  if (!files.includes("config.json")) {
    throw new UserError("model/no-folder", { folder, path: join(folder, "config.json") });
  }
  const weights = files.filter(isWeights);
  if (weights.length === 0) throw new UserError("model/no-weights", { folder, missing: ["model.safetensors"] });
  const headerOf = (path: string) => readHeader(path, (start, length) => readBytes(path, start, length));
  return {
    source: folder,
    name,
    text: async (path) => (files.includes(path) ? readFileSync(join(folder, path), "utf8") : undefined),
    headers: () => Promise.all(weights.map((each) => headerOf(join(folder, each)))),
    bytes: files.reduce((sum, each) => sum + statSync(join(folder, each)).size, 0),
    close: async () => {},
  };
}

/** The files of a model on its hub; the weights' headers are read by range. */
export async function remoteModelFiles(repository: Repository): Promise<ModelFiles> {
  const stop = new AbortController();
  const remote = new RemoteRepository(repository, { signal: stop.signal });
  const close = async () => {
    stop.abort(); // a failure may leave other requests under way
    await remote.http.close();
  };
  try {
    const listing = await remote.list();
    const { name, hub } = repository;
    if (!hasWeights(listing.files)) {
      throw new UserError("hub/no-safetensors", { name, hub, found: foreignWeights(listing.files) });
    }
    const { needed, extra } = wantedFiles(listing.files, "model");
    const weights = needed.map(({ path }) => path).filter(isWeights);
    return {
      source: name,
      name,
      text: (path) => remoteText(remote, listing, path),
      headers: () => Promise.all(weights.map((path) => remoteHeader(remote, listing, path))),
      bytes: [...needed, ...extra].reduce((sum, { size }) => sum + size, 0),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function remoteText(remote: RemoteRepository, listing: Listing, path: string): Promise<string | undefined> {
  if (!listing.files.some((file) => file.path === path)) return undefined;
  return remote.explained(() => withRetries(() => remote.http.text(remote.urlOf(listing, path)), remote.http));
}

async function remoteHeader(remote: RemoteRepository, listing: Listing, path: string): Promise<SafetensorsHeader> {
  const url = remote.urlOf(listing, path);
  const bytes = (start: number, length: number) =>
    withRetries(() => remote.http.bytes(url, start, length), remote.http).catch((error: unknown) => {
      if (error instanceof HttpStatusError && error.status === 416) return Buffer.alloc(0);
      throw error;
    });
  return remote.explained(() => readHeader(path, bytes));
}
