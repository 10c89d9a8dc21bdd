import { join } from "node:path";
import { z } from "zod";
import { loadSafetensors, saveSafetensors, type Weights } from "../core/safetensors.ts";
import { dispose, scope } from "../core/scope.ts";
import { readJsonFile, writeTextFile } from "../core/text-file.ts";
import { evaluate } from "../core/transforms.ts";
import { UserError } from "../protocol/user-error.ts";
import { readAdapterSettings } from "../tuner/load-adapter.ts";
import { peftFiles } from "../tuner/peft-adapter.ts";
import { writeFolder } from "./target-folder.ts";

// R rank

export interface PeftExport {
  /** A run folder: mlx-lm's or ours. */
  adapter: string;
  /** The folder to make. */
  target: string;
  /** How programs that read PEFT's adapters find the base model: a hub's name or a path. Default: what the run was trained on. */
  base?: string | undefined;
}

const RunFacts = z.looseObject({ model: z.string().optional() });
const layerNumber = /\.layers\.(\d+)\./;

/**
 * Writes the adapter of a run as PEFT does: A and B the other way round, α = scale · rank. Returns how many layers it has.
 * @throws UserError when it is no low-rank adapter, updates experts, or `target` cannot be written; nothing is half-written.
 */
export async function exportPeft({ adapter, target, base }: PeftExport): Promise<number> {
  const settings = readAdapterSettings(adapter);
  if (settings.fine_tune_type === "full") throw new UserError("adapter/full-as-peft", { folder: adapter });
  const { tensors } = loadSafetensors(join(adapter, "adapters.safetensors"));
  const stacked = Object.entries(tensors).find(([, tensor]) => tensor.ndim > 2);
  if (stacked) throw new UserError("adapter/experts-as-peft", { folder: adapter, path: stacked[0] });
  const paths = Object.keys(tensors).flatMap((name) => (name.endsWith(".lora_a") ? [name.slice(0, -7)] : []));
  const { rank, scale, dropout } = settings.lora_parameters;
  const { model } = RunFacts.parse(readJsonFile(join(adapter, peftFiles.config)));
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base ?? model ?? null,
    r: rank,
    lora_alpha: scale * rank,
    lora_dropout: dropout,
    use_dora: settings.fine_tune_type === "dora",
    use_rslora: false,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
    ...targetsOf(paths),
  };
  const weights = scope(() => peftWeights(tensors));
  evaluate(weights);
  await writeFolder(target, async (folder) => {
    saveSafetensors(join(folder, peftFiles.weights), weights, { format: "pt" });
    writeTextFile(join(folder, peftFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  });
  dispose([tensors, weights]);
  return paths.length;
}

/** By their last names where every layer that has some has all of them; else each by its path. */
function targetsOf(paths: readonly string[]): { target_modules: string[]; layers_to_transform: number[] | null } {
  const names = [...new Set(paths.map((path) => path.split(".").at(-1) ?? path))].sort();
  const layers = [...new Set(paths.map((path) => Number(layerNumber.exec(path)?.[1] ?? Number.NaN)))];
  const isEven = !layers.some(Number.isNaN) && paths.length === names.length * layers.length;
  if (isEven) return { target_modules: names, layers_to_transform: layers.sort((a, b) => a - b) };
  return { target_modules: [...paths].sort(), layers_to_transform: null };
}

function peftWeights(tensors: Weights): Weights {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const [path, part] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf(".") + 1)];
      const module = `base_model.model.${path}`;
      if (part === "m") return [`${module}.lora_magnitude_vector`, tensor.add(0)];
      const turned = tensor.transpose().reshape(tensor.size).reshape(tensor.dim(1), tensor.dim(0));
      const matrix = part === "lora_a" ? "A" : "B";
      const isEmbedding = path.endsWith("embed_tokens");
      return [isEmbedding ? `${module}.lora_embedding_${matrix}` : `${module}.lora_${matrix}.weight`, turned];
    }),
  );
}
