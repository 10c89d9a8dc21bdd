import { copyFileSync, cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { limitCache } from "../core/memory.ts";
import { saveSafetensors, type Weights } from "../core/safetensors.ts";
import { dispose } from "../core/scope.ts";
import { writeTextFile } from "../core/text-file.ts";
import { asyncEval } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { ModelConfig } from "../models/load.ts";
import { countParameters } from "../tuner/parameter-count.ts";
import type { PackedByRows } from "./packed-by-rows.ts";
import { requireTarget, type Target, writeFolder } from "./target-folder.ts";

/** Most bytes of one weight file, as mlx-lm cuts them. */
const mlxShardBytes = 5 * 2 ** 30;

/** Files beside the weights that make a model folder: tokenizer, templates, generation settings, code. */
const companion = /\.(json|jinja|txt|model|tiktoken|py)$/;
const templatesFolder = "additional_chat_templates";

/** `source`: the folder whose tokenizer and settings are copied. */
export interface SaveOptions extends Target {
  model: LanguageModel;
  config: ModelConfig;
  /** Most bytes of one weight file. A tensor that is larger has one to itself. */
  shardBytes?: number;
  /** Each weight is freed once it is written, so that one file's weights are in memory at a time. The model is of no use then. */
  donate?: boolean;
  /** With `donate`: weights that are computed in their own way, in place of the model's. */
  byRows?: PackedByRows | undefined;
  /** Aborting it ends the work after the weight that is being computed, or the file that is being written. */
  signal?: AbortSignal | undefined;
}

/**
 * Writes a model folder as mlx-lm writes it: `model*.safetensors` with their index, config.json and the companions of
 * `source`. All is written beside `target` and renamed into place.
 * @throws UserError when `target` cannot be written or replaced, and the signal's reason when it is aborted; what was there stays.
 */
export async function saveModel(options: SaveOptions): Promise<void> {
  const { config, source, target, signal } = options;
  requireTarget(options);
  const write = async (folder: string): Promise<void> => {
    await writeWeights(folder, options);
    writeTextFile(join(folder, "config.json"), `${JSON.stringify(savedConfig(config), null, 4)}\n`);
    for (const name of readdirSync(source)) {
      if (companion.test(name) && !existsSync(join(folder, name)) && !name.startsWith("model.safetensors")) {
        copyFileSync(join(source, name), join(folder, name));
      }
    }
    const templates = join(source, templatesFolder);
    if (existsSync(templates)) cpSync(templates, join(folder, templatesFolder), { recursive: true });
    await setImmediate(); // an interrupt that came while files were written is heard now
    signal?.throwIfAborted();
  };
  await writeFolder(target, write, signal);
}

/** The config as mlx-lm writes it: sorted, without what its models do not use, and the quantization under both its names. */
function savedConfig(config: ModelConfig): Record<string, unknown> {
  const { _name_or_path, vision_config, ...kept } = config;
  const both = kept.quantization ? { ...kept, quantization_config: kept.quantization } : kept;
  return Object.fromEntries(Object.entries(both).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function writeWeights(folder: string, options: SaveOptions): Promise<void> {
  const { model, shardBytes = mlxShardBytes } = options;
  const weights = model.parameters();
  const shards = intoShards(weights, shardBytes);
  const total_size = Object.values(weights).reduce((sum, tensor) => sum + tensor.nbytes, 0);
  const { total_parameters } = countParameters(model);
  const places: [string, string][] = [];
  for (const [i, shard] of shards.entries()) {
    const name =
      shards.length === 1 ? "model.safetensors" : `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`;
    await writeShard(join(folder, name), shard, options);
    for (const path of Object.keys(shard)) places.push([path, name]);
  }
  const weight_map = Object.fromEntries(places.sort(([a], [b]) => (a < b ? -1 : 1)));
  const index = { metadata: { total_size, total_parameters }, weight_map };
  writeTextFile(join(folder, "model.safetensors.index.json"), `${JSON.stringify(index, null, 4)}\n`);
}

// Weights that are not computed yet are computed one by one: what one is made of is freed before the next is.
async function writeShard(
  file: string,
  shard: Weights,
  { donate = false, byRows, signal }: SaveOptions,
): Promise<void> {
  for (const [path, tensor] of Object.entries(shard)) {
    const own = byRows?.take(path);
    if (own) {
      tensor.dispose();
      shard[path] = own;
    } else {
      await asyncEval(tensor);
    }
    limitCache();
    signal?.throwIfAborted();
  }
  saveSafetensors(file, shard, { format: "mlx" });
  if (donate) dispose(shard);
}

function intoShards(weights: Weights, shardBytes: number): Weights[] {
  const shards: Weights[] = [{}];
  let size = 0;
  for (const [path, tensor] of Object.entries(weights)) {
    if (size > 0 && size + tensor.nbytes > shardBytes) {
      shards.push({});
      size = 0;
    }
    const shard = shards.at(-1);
    if (shard) shard[path] = tensor;
    size += tensor.nbytes;
  }
  return shards;
}

function padded(count: number): string {
  return String(count).padStart(5, "0");
}
