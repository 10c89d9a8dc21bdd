import type { Weights } from "../core/safetensors.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { Embedding } from "../nn/embedding.ts";
import { Linear } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { QuantizedEmbedding, QuantizedLinear } from "../nn/quantized.ts";
import { QuantizedSwitchLinear, SwitchLinear } from "../nn/switch-linear.ts";
import { UserError } from "../protocol/user-error.ts";
import { DoRALinear } from "./dora.ts";
import { LoRAEmbedding, LoRALinear, type LoRAParameters } from "./lora.ts";
import { LoRASwitchLinear } from "./lora-switch.ts";

interface LowRank {
  fine_tune_type: "lora" | "dora";
  /** `keys`: paths within a block, such as self_attn.q_proj, or within the model, such as lm_head; absent: every linear layer. */
  lora_parameters: LoRAParameters & { keys?: readonly string[] | null | undefined };
}

export type AdapterSettings = (LowRank | { fine_tune_type: "full" }) & {
  /** How many of the last blocks are tuned; 0 or less: all. */
  num_layers: number;
};

/**
 * Freezes `model` and makes what the settings name trainable: adapters beside layers, or, for `full`, the last blocks.
 * Draws from the random sequence in mlx-lm's order, so that the same seed gives the same initial matrices.
 * @throws UserError when there are fewer layers than asked for, or a key names none.
 */
export function makeTrainable(model: LanguageModel, settings: AdapterSettings): void {
  const blocks = lastBlocks(model, settings.num_layers);
  model.freeze();
  if (settings.fine_tune_type === "full") {
    for (const block of blocks) block.unfreeze();
    return;
  }
  const { keys } = settings.lora_parameters;
  const wanted = new Set(keys ?? blocks.flatMap(adaptablePaths));
  const found = new Set<string>();
  const adapt = (owner: Module, path: string, layer: Module): void => {
    found.add(path);
    owner.replace(path, adapterFor(layer, settings));
  };
  for (const block of blocks) for (const [path, layer] of matching(block, wanted)) adapt(block, path, layer);
  for (const [path, layer] of matching(model, wanted)) adapt(model, path, layer);
  rejectUnknownKeys(model, wanted, found);
  evaluate(model.trainableParameters());
}

/**
 * Takes saved weights of trainable parameters.
 * @throws UserError when some belong to another model: a name or shape that this one has not.
 */
export function loadTrainable(model: LanguageModel, weights: Weights, source: string): void {
  const own = model.trainableParameters();
  const names = Object.keys(weights);
  const unexpected = names.filter((name) => !(name in own));
  const misshapen = names.filter((name) => own[name] && String(own[name].shape) !== String(weights[name]?.shape));
  if (names.length === 0 || unexpected.length + misshapen.length > 0) {
    const examples = [...unexpected, ...misshapen].slice(0, 3);
    throw new UserError("adapter/mismatch", { source, examples, count: unexpected.length + misshapen.length });
  }
  model.update(weights);
  evaluate(model.trainableParameters());
}

function lastBlocks(model: LanguageModel, count: number): Module[] {
  const { blocks } = model;
  if (count > blocks.length) {
    throw new UserError("adapter/too-many-layers", { asked: count, available: blocks.length });
  }
  return count <= 0 ? blocks : blocks.slice(-count);
}

function isAdaptable(module: Module): boolean {
  return (
    module instanceof Linear ||
    module instanceof QuantizedLinear ||
    module instanceof Embedding ||
    module instanceof QuantizedEmbedding ||
    isSwitch(module)
  );
}

function isSwitch(module: Module): module is SwitchLinear | QuantizedSwitchLinear {
  return module instanceof SwitchLinear || module instanceof QuantizedSwitchLinear;
}

function adaptablePaths(root: Module): string[] {
  return [...root.modules()].filter(([, module]) => isAdaptable(module)).map(([path]) => path);
}

/** An adapter around `layer`, which must be one that can be adapted. */
export function adapterFor(layer: Module, { fine_tune_type, lora_parameters }: LowRank): Module {
  const Adapter = fine_tune_type === "dora" ? DoRALinear : LoRALinear;
  if (layer instanceof Linear || layer instanceof QuantizedLinear) return new Adapter(layer, lora_parameters);
  if (fine_tune_type === "dora")
    throw new UserError(isSwitch(layer) ? "adapter/dora-experts" : "adapter/dora-embedding", {});
  if (isSwitch(layer)) return new LoRASwitchLinear(layer, lora_parameters);
  if (layer instanceof Embedding || layer instanceof QuantizedEmbedding)
    return new LoRAEmbedding(layer, lora_parameters);
  throw new TypeError(`no adapter for ${layer.constructor.name}`);
}

/** Layers to adapt, in the order in which mlx-lm meets them: a stack of modules, last pushed first taken. */
function matching(root: Module, wanted: ReadonlySet<string>): [string, Module][] {
  const stack: [string, Module][] = [["", root]];
  const found: [string, Module][] = [];
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const [path, module] = entry;
    if (wanted.has(path) && isAdaptable(module)) found.push(entry);
    for (const [name, member] of module.members()) {
      if (member instanceof Module) stack.push([path ? `${path}.${name}` : name, member]);
    }
  }
  return found;
}

function rejectUnknownKeys(model: LanguageModel, wanted: ReadonlySet<string>, found: ReadonlySet<string>): void {
  const unknown = [...wanted].filter((key) => !found.has(key));
  if (unknown.length === 0 && found.size > 0) return;
  const [first] = model.blocks;
  const possible = [
    ...new Set([...(first ? namesIn(first) : []), ...adaptablePaths(model).filter((path) => !/\.\d+\./.test(path))]),
  ];
  throw new UserError("adapter/unknown-keys", { unknown, possible });
}

/** Paths of layers that take an adapter, or have one. */
function namesIn(block: Module): string[] {
  return [...block.modules()]
    .filter(([, module]) => isAdaptable(module))
    .map(([path]) => path.replace(/\.linear$|\.embedding$/, ""));
}
