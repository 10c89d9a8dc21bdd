import { join } from "node:path";
import { stringify } from "yaml";
import { writeTextFile } from "../core/text-file.ts";
import { TrainConfig } from "./config.ts";

/** Keys that mlx-lm does not know. */
const ours = ["compat", "hub", "offline", "resume"];

/**
 * mlx-lm's `adapter_config.json`: all its settings, sorted, unset ones null. Python mlx-lm builds the adapters of
 * `fine_tune_type`, `num_layers` and `lora_parameters`; ours are left out.
 */
export function adapterConfigText(config: TrainConfig): string {
  const entries = Object.keys(TrainConfig.shape)
    .filter((key) => !ours.includes(key))
    .sort()
    .map((key) => [key, Reflect.get(config, key) ?? null]);
  return `${JSON.stringify(sortKeys(Object.fromEntries(entries)), null, 4)}\n`;
}

/** The resolved settings as a config file that gives the same run again. */
export function configYamlText(config: TrainConfig): string {
  const { config: _file, resume: _once, offline: _now, ...settings } = config;
  return stringify(settings, { version: "1.1" });
}

/** Writes both into the run's folder; a run killed in between leaves whole files. */
export function writeRunConfig(config: TrainConfig): void {
  writeTextFile(join(config.adapter_path, "adapter_config.json"), adapterConfigText(config));
  writeTextFile(join(config.adapter_path, "config.yaml"), configYamlText(config));
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
