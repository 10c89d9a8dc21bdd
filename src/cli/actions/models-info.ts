import { statSync } from "node:fs";
import { notAModelError, offlineError } from "../../hub/absent.ts";
import { findCopy } from "../../hub/cache.ts";
import { fourBitBits } from "../../hub/choose-model.ts";
import { type ModelFacts, readModelFacts } from "../../hub/model-facts.ts";
import { localModelFiles, type ModelFiles, remoteModelFiles } from "../../hub/model-files.ts";
import { parseRepositoryName, repositoryOf } from "../../hub/repository.ts";
import { chosenHub, type HubName, hubNames, isOffline } from "../../hub/settings.ts";
import { commonContext, commonTraining, memoryToRun, memoryToTrain } from "../../models/memory-estimate.ts";
import { families } from "../../models/registry.ts";
import { getLanguage, say } from "../../protocol/language.ts";
import { byteSize } from "../byte-size.ts";
import type { InfoConfig } from "../commands/models-info.ts";
import { computeFacts, type MemoryLimit, memoryLimit } from "../memory-limit.ts";
import { programName } from "../program-name.ts";
import { displayWidth, padEnd } from "../text-width.ts";
import type { Ui } from "../ui.ts";

export async function modelsInfo(config: InfoConfig, ui: Ui): Promise<void> {
  const { files, folder, hub } = await openModel(config);
  try {
    const facts = await readModelFacts(files);
    const limit = memoryLimit();
    const needs = needsOf(facts);
    const supported = isSupported(facts);
    ui.emit(jsonOf(facts, { supported, folder, hub, limit, needs }));
    ui.print(describe(facts, { supported, folder, hub, limit, needs }));
    if (supported && folder === undefined) ui.say("models/next", { cygnet: programName(), name: config.model });
  } finally {
    await files.close();
  }
}

interface Opened {
  files: ModelFiles;
  /** Undefined for a model that is not here. */
  folder: string | undefined;
  hub: HubName | undefined;
}

/** A folder, else a copy in the caches, else the hub, of which only the small files are read. */
async function openModel({ model, hub, offline }: InfoConfig): Promise<Opened> {
  const found = statSync(model, { throwIfNoEntry: false });
  if (found?.isDirectory()) return { files: localModelFiles(model), folder: model, hub: undefined };
  if (found || !parseRepositoryName(model)) throw notAModelError(model);
  const first = chosenHub(hub);
  for (const each of hub ? [hub] : [first, ...hubNames.filter((name) => name !== first)]) {
    const copy = findCopy(repositoryOf(model, { hub: each, kind: "model" }));
    if (copy?.missing.length === 0)
      return { files: localModelFiles(copy.folder, model), folder: copy.folder, hub: each };
  }
  if (offline || isOffline()) throw offlineError(model, "model");
  const files = await remoteModelFiles(repositoryOf(model, { hub: first, kind: "model" }));
  return { files, folder: undefined, hub: first };
}

function isSupported({ type, foreignQuantization }: ModelFacts): boolean {
  return Object.hasOwn(families, type) && foreignQuantization === undefined;
}

interface Need {
  what: "run" | "lora" | "qlora";
  /** The context, or the length of a row: no longer than the model's own. */
  tokens: number;
  bytes: number;
  /** Training that keeps less and computes more. */
  checkpointedBytes: number | undefined;
}

/** What answering and training take here; nothing for a shape that is not known. */
function needsOf({
  shape,
  weightBytes,
  halfBytes,
  parameters,
  bits,
  context = Number.POSITIVE_INFINITY,
}: ModelFacts): Need[] {
  if (!shape) return [];
  const compute = computeFacts();
  const loaded = weightBytes + halfBytes * (compute.activationBytes / 2 - 1);
  const settings = { ...commonTraining, tokens: Math.min(commonTraining.tokens, context) };
  const train = (what: "lora" | "qlora", weights: number): Need => ({
    what,
    tokens: settings.tokens,
    bytes: memoryToTrain(shape, weights, settings, compute),
    checkpointedBytes: memoryToTrain(shape, weights, { ...settings, gradCheckpoint: true }, compute),
  });
  const tokens = Math.min(commonContext, context);
  const run = memoryToRun(shape, loaded, tokens, compute);
  const needs: Need[] = [{ what: "run", tokens, bytes: run, checkpointedBytes: undefined }];
  if (bits !== undefined) return [...needs, train("qlora", loaded)];
  return [...needs, train("lora", loaded), train("qlora", (parameters * fourBitBits) / 8)];
}

interface Told extends Pick<Opened, "folder" | "hub"> {
  supported: boolean;
  limit: MemoryLimit;
  needs: Need[];
}

function jsonOf(facts: ModelFacts, { supported, folder, hub, limit, needs }: Told): object {
  const { known, named } = facts.licence;
  return {
    name: facts.name,
    folder: folder ?? null,
    hub: hub ?? null,
    model_type: facts.type,
    supported,
    parameters: Math.round(facts.parameters),
    active_parameters: facts.activeParameters === undefined ? null : Math.round(facts.activeParameters),
    bits: facts.bits ?? null,
    dtype: facts.dtype,
    tuning: facts.tuning,
    context: facts.context ?? null,
    licence: { id: named ?? null, commercial_use: known?.commercial ?? "unknown" },
    file_bytes: facts.fileBytes,
    memory_limit_bytes: limit.bytes,
    memory: needs.map(({ what, tokens, bytes, checkpointedBytes }) => ({
      what,
      tokens,
      bytes: Math.round(bytes),
      with_grad_checkpoint_bytes: checkpointedBytes === undefined ? null : Math.round(checkpointedBytes),
      fits: bytes <= limit.bytes,
    })),
  };
}

function describe(facts: ModelFacts, told: Told): string {
  const { limit, needs, folder, hub } = told;
  const place = folder ?? (hub ? say("models/not-here", { hub }) : "");
  const rows: [string, string][] = [
    [say("models/row-type", {}), typeText(facts, told.supported)],
    [say("models/row-parameters", {}), parametersText(facts)],
    [say("models/row-tuning", {}), say("models/tuning", { tuning: facts.tuning })],
    [say("models/row-context", {}), say("models/context", { tokens: facts.context })],
    [say("models/row-licence", {}), licenceText(facts)],
    [say("models/row-disk", {}), byteSize(facts.fileBytes)],
    [
      say("models/row-limit", {}),
      say("models/limit", { limit: gb(limit.bytes), total: gb(limit.totalBytes), device: limit.device }),
    ],
    ...needs.flatMap((need) => needRows(need, limit)),
  ];
  const width = Math.max(...rows.map(([head]) => displayWidth(head))) + 2;
  const lines = rows.map(([head, text]) => `  ${padEnd(head, width)}${text}`);
  const name = facts.name === place ? facts.name : `${facts.name}  ${place}`;
  return `${[name, ...lines].join("\n")}\n`;
}

function typeText({ type, foreignQuantization }: ModelFacts, supported: boolean): string {
  if (supported) return say("models/supported", { type });
  return foreignQuantization && Object.hasOwn(families, type)
    ? say("model/foreign-quantization", { method: foreignQuantization })
    : say("models/unsupported", { type, supported: Object.keys(families) });
}

function parametersText({ parameters, activeParameters, bits, dtype }: ModelFacts): string {
  return say("models/parameters", {
    billions: parameters / 1e9,
    active: activeParameters && activeParameters / 1e9,
    bits,
    dtype,
  });
}

function licenceText({ licence: { named, known } }: ModelFacts): string {
  return say("models/licence", {
    title: known?.title ?? named,
    commercial: known?.commercial,
    note: known?.note?.[getLanguage()],
  });
}

function needRows({ what, tokens, bytes, checkpointedBytes }: Need, limit: MemoryLimit): [string, string][] {
  const row: [string, string] = [say("models/need", { what, tokens }), verdict(bytes, limit)];
  if (checkpointedBytes === undefined || bytes <= limit.bytes) return [row];
  return [row, [say("models/need-checkpointed", {}), verdict(checkpointedBytes, limit)]];
}

function verdict(bytes: number, { bytes: limit }: MemoryLimit): string {
  return say("models/verdict", { need: gb(bytes), spare: (limit - bytes) / 1e9 });
}

function gb(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
