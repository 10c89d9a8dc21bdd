import { UserError } from "../protocol/user-error.ts";
import type { HubName } from "./settings.ts";

export type RepositoryKind = "model" | "dataset";

export interface Repository {
  hub: HubName;
  kind: RepositoryKind;
  /** `ORG/NAME` */
  name: string;
  /** A branch, a tag or a commit. */
  revision: string;
}

/** A file of a repository, as its hub lists it. */
export interface RemoteFile {
  path: string;
  size: number;
  /** Of the content; hubs give it for large files, ModelScope for all. */
  sha256?: string | undefined;
  /** Git's name of the content: SHA-1 of `blob SIZE\0` and the content. */
  gitOid?: string | undefined;
  xetHash?: string | undefined;
}

/** What a repository holds at one commit. */
export interface Listing {
  /** The commit; on ModelScope, which tells none, the revision. */
  commit: string;
  files: RemoteFile[];
}

export const defaultRevision: Record<HubName, string> = { hf: "main", modelscope: "master" };

const namePattern = /^([A-Za-z0-9_][\w.-]*\/[A-Za-z0-9_][\w.-]*)(?:@([\w./-]+))?$/;

/** The parts of `ORG/NAME` or `ORG/NAME@REVISION`; undefined for a text that names no repository. */
export function parseRepositoryName(text: string): { name: string; revision: string | undefined } | undefined {
  const [, name, revision] = namePattern.exec(text) ?? [];
  return name && !name.includes("..") && !name.includes("--") && !revision?.includes("..")
    ? { name, revision }
    : undefined;
}

/**
 * The repository that a text names.
 * @throws UserError when it names none.
 */
export function repositoryOf(
  text: string,
  { hub, kind, revision }: { hub: HubName; kind: RepositoryKind; revision?: string | undefined },
): Repository {
  const parsed = parseRepositoryName(text);
  if (!parsed) throw new UserError("hub/bad-name", { given: text });
  return { hub, kind, name: parsed.name, revision: revision ?? parsed.revision ?? defaultRevision[hub] };
}

/** Whether a path of a listing stays inside the folder that it is put into. */
export function isSafePath(path: string): boolean {
  const parts = path.split("/");
  return path !== "" && !/[\\\0]/.test(path) && parts.every((part) => part !== "" && part !== "." && part !== "..");
}
