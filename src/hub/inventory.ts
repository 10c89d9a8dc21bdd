import { existsSync, lstatSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { findCopy } from "./cache.ts";
import { defaultRevision, type RepositoryKind } from "./repository.ts";
import { type HubName, hubNames, hubSettings } from "./settings.ts";

/** A repository in the cache of a hub. */
export interface CachedRepository {
  hub: HubName;
  kind: RepositoryKind;
  name: string;
  /** Everything of it. */
  root: string;
  /** The folder of its newest files; undefined when none was downloaded whole. */
  folder: string | undefined;
  isComplete: boolean;
  /** Files without which it cannot be used. */
  missing: string[];
  /** What removing it frees. */
  bytes: number;
}

const kinds: readonly RepositoryKind[] = ["model", "dataset"];

/** Everything in the caches of both hubs, whoever downloaded it. */
export function cachedRepositories(): CachedRepository[] {
  const found = kinds.flatMap((kind) => rootsOf(kind).map((root) => ({ ...describe(root), bytes: sizeOf(root.root) })));
  // A pull that was refused leaves empty folders.
  return found.filter(({ bytes }) => bytes > 0).sort((a, b) => a.name.localeCompare(b.name));
}

/** Models that were downloaded whole, and where. Measures nothing, so it is quick enough for every request. */
export function cachedModels(): { name: string; folder: string }[] {
  const found = rootsOf("model").map(describe);
  return found
    .flatMap(({ name, folder, isComplete }) => (isComplete && folder !== undefined ? [{ name, folder }] : []))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** Removes a repository, and its locks where Python keeps some. */
export function removeCached({ hub, root }: CachedRepository): void {
  rmSync(root, { recursive: true, force: true });
  if (hub === "hf") rmSync(join(dirname(root), ".locks", basename(root)), { recursive: true, force: true });
}

function rootsOf(kind: RepositoryKind): PlacedRoot[] {
  return hubNames.flatMap((hub) => {
    const { cacheFolder } = hubSettings(hub);
    const roots = hub === "hf" ? huggingFaceRoots(cacheFolder, kind) : modelScopeRoots(cacheFolder, kind);
    return roots.map((root) => ({ hub, kind, ...root }));
  });
}

type PlacedRoot = Pick<CachedRepository, "hub" | "kind" | "name" | "root">;

function describe(place: PlacedRoot): Omit<CachedRepository, "bytes"> {
  const { hub, kind, name, root } = place;
  const revisions = [defaultRevision[hub], ...namesIn(join(root, "refs")), ...namesIn(join(root, "snapshots"))];
  const copies = revisions.flatMap((revision) => findCopy({ hub, kind, name, revision }) ?? []);
  const whole = copies.find(({ missing }) => missing.length === 0);
  const { folder, missing = [] } = whole ?? copies[0] ?? {};
  return { ...place, folder, isComplete: whole !== undefined, missing };
}

interface Root {
  name: string;
  root: string;
}

function huggingFaceRoots(cacheFolder: string, kind: RepositoryKind): Root[] {
  const start = `${kind}s--`;
  return namesIn(cacheFolder)
    .filter((folder) => folder.startsWith(start))
    .map((folder) => ({ name: folder.slice(start.length).replace("--", "/"), root: join(cacheFolder, folder) }));
}

/** Today's layout `models/ORG--NAME`, and the older ones with a folder for each owner. */
function modelScopeRoots(cacheFolder: string, kind: RepositoryKind): Root[] {
  const today = join(cacheFolder, `${kind}s`);
  const current = namesIn(today).filter((folder) => folder.includes("--"));
  const owners = [
    today,
    join(cacheFolder, "hub", `${kind}s`),
    ...(kind === "model" ? [cacheFolder, join(cacheFolder, "hub")] : []),
  ];
  return [
    ...current.map((folder) => ({ name: folder.replace("--", "/"), root: join(today, folder) })),
    ...owners.flatMap(ownedRoots),
  ];
}

/** Folders of the package itself, which are no owners. */
const reserved = ["hub", "models", "datasets", "studios", "mcps", "skills", "ast_indexer"];

function ownedRoots(folder: string): Root[] {
  const owners = namesIn(folder).filter((name) => !/^[._]|--/.test(name) && !reserved.includes(name));
  return owners.flatMap((owner) =>
    namesIn(join(folder, owner))
      .filter((name) => !/^[._]/.test(name) && statSync(join(folder, owner, name)).isDirectory())
      .map((name) => ({ name: `${owner}/${name.replaceAll("___", ".")}`, root: join(folder, owner, name) })),
  );
}

/** Bytes on the disk; links take none. */
function sizeOf(path: string): number {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (!entry?.isDirectory()) return entry?.isFile() ? entry.size : 0;
  return namesIn(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
}
