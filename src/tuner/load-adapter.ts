import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { loadSafetensors } from "../core/safetensors.ts";
import { readJsonFile } from "../core/text-file.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { UserError } from "../protocol/user-error.ts";
import { type AdapterSettings, loadTrainable, makeTrainable } from "./adapters.ts";
import { hasWholeWeights, isPeftFolder, loadPeftAdapter } from "./peft-adapter.ts";

const LoRAParameters = z.looseObject({
  rank: z.int(),
  scale: z.number(),
  dropout: z.number().default(0),
  keys: z.array(z.string()).nullish(),
});
/** The part of `adapter_config.json` that says how an adapter is built; mlx-lm writes many more keys, some of them null. */
const LowRankConfig = z.looseObject({
  fine_tune_type: z.enum(["lora", "dora"]).default("lora"),
  num_layers: z.int(),
  lora_parameters: LoRAParameters,
});
const FullConfig = z.looseObject({ fine_tune_type: z.literal("full"), num_layers: z.int() });

/** Whether a folder has an adapter: mlx-lm's, ours or PEFT's. */
export function isAdapterFolder(folder: string): boolean {
  const hasWeights = existsSync(weightsIn(folder)) || isPeftFolder(folder);
  return hasWeights && existsSync(join(folder, "adapter_config.json"));
}

/** Whether what a folder has is whole weights, which cannot stand beside others. @throws UserError when it cannot be read. */
export function isWholeAdapter(folder: string): boolean {
  if (isPeftFolder(folder)) return hasWholeWeights(folder);
  return readAdapterSettings(folder).fine_tune_type === "full";
}

/**
 * What kind of adapter a run folder (mlx-lm's or ours) has: its `adapter_config.json`.
 * @throws UserError when a file is missing or the settings cannot be read.
 */
export function readAdapterSettings(folder: string): AdapterSettings {
  const configPath = join(folder, "adapter_config.json");
  for (const path of [configPath, weightsIn(folder)]) {
    if (!existsSync(path)) throw new UserError("adapter/not-found", { folder, file: path });
  }
  const json = readJsonFile(configPath);
  const full = FullConfig.safeParse(json);
  const config = full.success ? full : LowRankConfig.safeParse(json);
  if (config.success) return config.data;
  const problems = config.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new UserError("adapter/bad-config", { path: configPath, problems });
}

/**
 * Puts the adapter of a run folder, or one that PEFT wrote, on `model`: layers of `adapter_config.json`, weights beside it.
 * @throws UserError when a file is missing or the adapter belongs to another model; the model is not usable then.
 */
export function loadAdapter(model: LanguageModel, folder: string): void {
  if (isPeftFolder(folder)) loadPeftAdapter(model, folder);
  else loadRun(model, folder);
}

function loadRun(model: LanguageModel, folder: string): void {
  makeTrainable(model, readAdapterSettings(folder));
  loadTrainable(model, loadSafetensors(weightsIn(folder)).tensors, folder);
  model.freeze();
}

function weightsIn(folder: string): string {
  return join(folder, "adapters.safetensors");
}
