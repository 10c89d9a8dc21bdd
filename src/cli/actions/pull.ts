import { join } from "node:path";
import { offlineError } from "../../hub/absent.ts";
import { type Pulled, pull as pullRepository } from "../../hub/pull.ts";
import { defaultRevision, type Repository, repositoryOf } from "../../hub/repository.ts";
import { chosenHub, isOffline } from "../../hub/settings.ts";
import type { PullConfig } from "../commands/pull.ts";
import { DownloadLine } from "../download-line.ts";
import { programName } from "../program-name.ts";
import type { Ui } from "../ui.ts";

export async function pull(config: PullConfig, ui: Ui): Promise<number> {
  const signal = ui.interruption();
  const hub = chosenHub(config.hub);
  const kind = config.dataset ? "dataset" : "model";
  const repository = repositoryOf(config.model, { hub, kind, revision: config.revision });
  requireNetwork(repository);
  const line = new DownloadLine(ui);
  const start = performance.now();
  try {
    const pulled = await pullRepository(repository, {
      include: config.include,
      signal,
      ...line.hooks,
      onModelType: await unsupportedWarning(repository, ui),
    });
    line.end();
    const { folder, commit, files, bytes, downloadedBytes } = pulled;
    const { name, revision } = repository;
    ui.emit({ name, kind, hub, revision, commit, folder, files, bytes, downloaded_bytes: downloadedBytes });
    const seconds = (performance.now() - start) / 1000;
    ui.say("pull/done", { name, downloaded: downloadedBytes, bytes, folder, seconds });
    sayNext(repository, pulled, ui);
    return 0;
  } catch (error) {
    line.end();
    if (!signal.aborted) throw error;
    ui.say("pull/stopped", {});
    return 130;
  }
}

/** @throws UserError when the environment forbids what this command is for. */
function requireNetwork(repository: Repository): void {
  if (isOffline()) throw offlineError(repository.name, repository.kind);
}

function sayNext({ hub, kind, name: plain, revision }: Repository, { folder, files }: Pulled, ui: Ui): void {
  const cygnet = programName();
  const name = revision === defaultRevision[hub] ? plain : `${plain}@${revision}`;
  if (kind === "model") {
    if (files.includes("config.json")) ui.say("pull/next-model", { cygnet, name });
  } else if (files.includes("train.jsonl")) {
    ui.say("pull/next-data", { cygnet, name });
  } else {
    const file = files.find((path) => /\.jsonl?$/.test(path));
    if (file) ui.say("pull/next-convert", { cygnet, file: join(folder, file) });
  }
}

/** Warns of an architecture that Cygnet does not know; where the addon is not built nobody can tell. */
async function unsupportedWarning(repository: Repository, ui: Ui): Promise<((type: string) => void) | undefined> {
  const registry = await import("../../models/registry.ts").catch(() => undefined);
  if (!registry || repository.kind === "dataset") return undefined;
  const supported = Object.keys(registry.families);
  return (type) => {
    if (!supported.includes(type)) ui.say("pull/unsupported", { name: repository.name, type, supported });
  };
}
