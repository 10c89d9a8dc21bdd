import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import * as random from "../core/random.ts";
import { loadSafetensors } from "../core/safetensors.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { UserError } from "../protocol/user-error.ts";
import { loadTrainable, makeTrainable } from "./adapters.ts";

/** The part of `adapter_config.json` that says how an adapter is built; mlx-lm writes many more keys. */
const AdapterConfig = z.looseObject({
  fine_tune_type: z.enum(["lora", "dora", "full"]).default("lora"),
  num_layers: z.int(),
  lora_parameters: z.looseObject({
    rank: z.int(),
    scale: z.number(),
    dropout: z.number().default(0),
    keys: z.array(z.string()).nullish(),
  }),
});

/**
 * Puts the adapter of a run folder (mlx-lm's or ours) on `model`: layers of `adapter_config.json`, weights of
 * `adapters.safetensors`.
 * @throws UserError when a file is missing or the adapter belongs to another model; the model is not usable then.
 */
export function loadAdapter(model: LanguageModel, folder: string): void {
  const configPath = join(folder, "adapter_config.json");
  const weightsPath = join(folder, "adapters.safetensors");
  for (const path of [configPath, weightsPath]) {
    if (!existsSync(path)) throw new UserError("adapter/not-found", { folder, file: path });
  }
  const config = AdapterConfig.safeParse(readJson(configPath));
  if (!config.success) {
    const problems = config.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new UserError("adapter/bad-config", { path: configPath, problems });
  }
  // Building draws initial matrices that the saved ones replace: the caller's sequence must not notice.
  const sequence = random.state();
  makeTrainable(model, config.data);
  random.setState(sequence);
  loadTrainable(model, loadSafetensors(weightsPath).tensors, folder);
  model.freeze();
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError("file/not-json", { path, reason: error instanceof Error ? error.message : String(error) });
  }
}
