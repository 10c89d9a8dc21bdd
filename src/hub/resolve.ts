import { statSync } from "node:fs";
import { nearest } from "../protocol/nearest.ts";
import { UserError } from "../protocol/user-error.ts";
import { notAModelError, offlineError } from "./absent.ts";
import { findCopy } from "./cache.ts";
import type { PullHooks } from "./pull.ts";
import { parseRepositoryName, type RepositoryKind, repositoryOf } from "./repository.ts";
import { chosenHub, type HubName, hubNames, isOffline } from "./settings.ts";

export interface ResolveOptions extends PullHooks {
  hub?: HubName | undefined;
  offline?: boolean | undefined;
}

/**
 * The folder for what `--model` or `--data` says: a folder of this machine before all, then a copy in the caches of the
 * hubs, then a download. Data that are neither a folder nor `ORG/NAME` come back as they are, for their reader to refuse.
 * @throws UserError when it names no model, or has to be downloaded and cannot be.
 */
export async function resolveRepository(
  text: string,
  kind: RepositoryKind,
  { hub, offline, ...hooks }: ResolveOptions = {},
): Promise<string> {
  const found = statSync(text, { throwIfNoEntry: false });
  if (found?.isDirectory()) return text;
  if (found || !parseRepositoryName(text)) {
    if (kind === "model") throw notAModelError(text);
    return text;
  }
  const preferred = chosenHub(hub);
  const hubs = hub ? [hub] : [preferred, ...hubNames.filter((name) => name !== preferred)];
  const copies = hubs.flatMap((each) => findCopy(repositoryOf(text, { hub: each, kind })) ?? []);
  const whole = copies.find(({ missing }) => missing.length === 0);
  if (whole) return whole.folder;
  if (offline || isOffline()) throw offlineError(text, kind);
  // Loaded on use: most runs find their model here and need no HTTP client.
  const { pull } = await import("./pull.ts");
  const onModelType = kind === "model" ? await supportCheck(text) : undefined;
  try {
    return (await pull(repositoryOf(text, { hub: preferred, kind }), { ...hooks, onModelType })).folder;
  } catch (error) {
    if (!(error instanceof UserError && error.code === "hub/unreachable")) throw error;
    throw new UserError("hub/not-here", { name: text, reason: error.message });
  }
}

/** Refuses a model of an unknown architecture before gigabytes of it are downloaded. */
async function supportCheck(source: string): Promise<(type: string) => void> {
  const { families } = await import("../models/registry.ts");
  const supported = Object.keys(families);
  return (type) => {
    if (supported.includes(type)) return;
    const facts = { type, source, supported: supported.join(", "), nearest: nearest(type, supported) };
    throw new UserError("model/unsupported-type", facts);
  };
}
