import { statSync } from "node:fs";
import { nearest } from "../protocol/nearest.ts";
import { UserError } from "../protocol/user-error.ts";
import { cachedRepositories } from "./inventory.ts";
import { parseRepositoryName, type RepositoryKind } from "./repository.ts";

/** What is told of a repository that is not here whole and that may not be downloaded. */
export function offlineError(text: string, kind: RepositoryKind): UserError {
  const name = parseRepositoryName(text)?.name;
  // An interrupted download has no current commit yet, so that all that lies in the caches is looked at.
  const begun = cachedRepositories().find((each) => each.kind === kind && each.name === name);
  return new UserError("hub/offline", { name: text, kind, missing: begun?.missing ?? [] });
}

/** What is told of a `--model` that is neither a folder nor `ORG/NAME`, with the downloaded model that may be meant. */
export function notAModelError(text: string): UserError {
  if (statSync(text, { throwIfNoEntry: false })?.isFile()) return new UserError("model/is-file", { path: text });
  const models = cachedRepositories().filter(({ kind }) => kind === "model");
  const plain = (name: string) => name.split("/").at(-1) ?? name;
  const guess = nearest(
    text,
    models.map(({ name }) => plain(name)),
  );
  const meant = models.find(({ name }) => plain(name) === guess)?.name;
  return new UserError("model/no-such-name", { name: text, nearest: meant });
}
