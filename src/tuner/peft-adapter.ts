import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { loadSafetensors, type Weights } from "../core/safetensors.ts";
import { dispose, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { readJsonFile } from "../core/text-file.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { UserError } from "../protocol/user-error.ts";
import { adapterFor, loadTrainable } from "./adapters.ts";

// R rank

export const peftFiles = { config: "adapter_config.json", weights: "adapter_model.safetensors" };

/** What PEFT writes beside an adapter's weights; Unsloth and LLaMA-Factory write the same. */
const PeftConfig = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.int().min(1),
  lora_alpha: z.number(),
  lora_dropout: z.number().default(0),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  fan_in_fan_out: z.literal(false).default(false),
  /** Other α for layers whose names match, as in Python's `re.match`. */
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
});
type PeftConfig = z.output<typeof PeftConfig>;

/** The update of one layer, as PEFT names its tensors. */
const updateName =
  /^(?<path>.*)\.(?<part>lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector)(\.default)?(\.weight)?$/;
/** Ours for each of them; the matrices are the other way round. */
const parts: Record<string, string> = {
  lora_A: "lora_a",
  lora_B: "lora_b",
  lora_embedding_A: "lora_a",
  lora_embedding_B: "lora_b",
  lora_magnitude_vector: "m",
};

export interface PeftAdapter {
  fine_tune_type: "lora" | "dora";
  /** Layers with updates, by their paths in the model. */
  layers: { path: string; rank: number; scale: number; dropout: number }[];
  /** Their updates as this program names them. */
  updates: Weights;
  /** Whole weights that take the place of the model's. */
  whole: Weights;
}

export function isPeftFolder(folder: string): boolean {
  return existsSync(join(folder, peftFiles.weights));
}

/** Whether there are whole weights beside the updates. */
export function hasWholeWeights(folder: string): boolean {
  const { tensors } = loadSafetensors(join(folder, peftFiles.weights));
  dispose(tensors);
  return Object.keys(tensors).some((name) => !updateName.test(name));
}

/**
 * The adapter of a folder that PEFT wrote; its tensors are the caller's. PEFT's α is divided by the rank, or with rsLoRA by its
 * root (Kalajdzievski 2023, arXiv:2312.03732).
 * @throws UserError when it is of another kind, or cannot be read.
 */
export function readPeftAdapter(folder: string): PeftAdapter {
  const config = readConfig(join(folder, peftFiles.config));
  const { tensors } = loadSafetensors(join(folder, peftFiles.weights));
  const updates: Weights = {};
  const whole: Weights = {};
  const ranks = new Map<string, number>();
  for (const [name, tensor] of Object.entries(tensors)) {
    const own = name.replace(/^base_model\.model\./, "");
    const { path, part = "" } = updateName.exec(own)?.groups ?? {};
    if (path === undefined) {
      whole[own.replace(".base_layer.", ".").replace(".modules_to_save.default.", ".")] = tensor;
      continue;
    }
    if (part.endsWith("_A")) ranks.set(path, tensor.dim(0));
    updates[`${path}.${parts[part]}`] = part === "lora_magnitude_vector" ? tensor : turned(tensor);
  }
  const { lora_dropout: dropout } = config;
  const layers = [...ranks].map(([path, rank]) => ({ path, rank, scale: scaleOf(config, path, rank), dropout }));
  return { fine_tune_type: config.use_dora ? "dora" : "lora", layers, updates, whole };
}

/** Puts the adapter of a folder that PEFT wrote on `model`. @throws UserError: see `readPeftAdapter`; or it is another model's. */
export function loadPeftAdapter(model: LanguageModel, folder: string): void {
  const { fine_tune_type, layers, updates, whole } = readPeftAdapter(folder);
  takeWhole(model, whole, folder);
  model.freeze();
  for (const { path, rank, scale, dropout } of layers) {
    const layer = model.find(path);
    if (!layer) throw new UserError("adapter/mismatch", { source: folder, examples: [path], count: 1 });
    model.replace(path, adapterFor(layer, { fine_tune_type, lora_parameters: { rank, scale, dropout } }));
  }
  if (layers.length > 0) loadTrainable(model, updates, folder);
}

function takeWhole(model: LanguageModel, whole: Weights, source: string): void {
  const own = model.parameters();
  const names = Object.keys(whole);
  const packed = names.find((name) => own[name]?.dtype === "uint32");
  if (packed !== undefined) throw new UserError("adapter/whole-on-packed", { source, name: packed });
  const misfits = names.filter((name) => String(own[name]?.shape) !== String(whole[name]?.shape));
  if (misfits.length > 0) {
    throw new UserError("adapter/mismatch", { source, examples: misfits.slice(0, 3), count: misfits.length });
  }
  const asOwn = (name: string, tensor: Tensor) => tensor.astype(own[name]?.dtype ?? tensor.dtype);
  const taken = scope(() => Object.fromEntries(Object.entries(whole).map(([name, each]) => [name, asOwn(name, each)])));
  model.update(taken);
  evaluate(taken);
}

function readConfig(path: string): PeftConfig {
  if (!existsSync(path)) throw new UserError("adapter/not-found", { folder: dirname(path), file: path });
  const config = PeftConfig.safeParse(readJsonFile(path));
  if (config.success) return config.data;
  const problems = config.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new UserError("adapter/bad-peft-config", { path, problems });
}

function scaleOf({ lora_alpha, alpha_pattern, use_rslora }: PeftConfig, path: string, rank: number): number {
  const matching = Object.entries(alpha_pattern ?? {}).find(([key]) => new RegExp(`^(.*\\.)?(?:${key})$`).test(path));
  const alpha = matching?.[1] ?? lora_alpha;
  return alpha / (use_rslora ? Math.sqrt(rank) : rank);
}

/** [R, n] → [n, R], and the reverse. */
function turned(tensor: Tensor): Tensor {
  const made = scope(() =>
    tensor.astype("float32").transpose().reshape(tensor.size).reshape(tensor.dim(1), tensor.dim(0)),
  );
  evaluate(made);
  dispose(tensor);
  return made;
}
