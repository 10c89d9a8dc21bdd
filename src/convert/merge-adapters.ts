import { dispose } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { isPackedLayer } from "../nn/packed-layer.ts";
import { withModeDefaults } from "../nn/quantization.ts";
import { UserError } from "../protocol/user-error.ts";
import { adapterLayers } from "../tuner/adapter-switch.ts";
import { isWholeAdapter, loadAdapter } from "../tuner/load-adapter.ts";
import type { AdapterLayer } from "../tuner/lora.ts";
import { combineUpdates, type MergeMethod } from "./combine-updates.ts";
import { packed, plainLike, replaceLayer } from "./fuse.ts";

/** The adapter of a run, and how much of its update counts: 1 is all of it. */
export interface AdapterShare {
  folder: string;
  weight: number;
}

export interface MergeOptions {
  method: MergeMethod;
  /** See `combineUpdates`. */
  density: number;
  /** Packed layers that are merged stay unpacked. */
  dequantize: boolean;
  /** Packed layers that are merged are packed at so many bits, by default at their own. */
  touchedBits?: number | undefined;
}

type Update = { layer: AdapterLayer; weight: number };

/**
 * Merges adapters into the layers of `model`, which has none yet; returns the paths of those layers. One adapter with weight 1 is
 * merged in mlx-lm's order of operations; else W + Σ weightᵢ · (Wᵢ − W), or what `method` makes of the updates Wᵢ − W.
 * @throws UserError when an adapter is not this model's, or one of several is a set of whole weights.
 */
export function mergeAdapters(model: LanguageModel, shares: readonly AdapterShare[], options: MergeOptions): string[] {
  const isPlain = shares.length === 1 && shares[0]?.weight === 1;
  const byPath = new Map<string, Update[]>();
  for (const { folder, weight } of shares) {
    if (!isPlain && isWholeAdapter(folder)) throw new UserError("fuse/whole-among-others", { folder });
    loadAdapter(model, folder);
    for (const [path, layer] of adapterLayers(model)) {
      model.replace(path, layer.base);
      byPath.set(path, [...(byPath.get(path) ?? []), { layer, weight }]);
    }
  }
  for (const [path, updates] of byPath) {
    const own = updates.flatMap(({ layer }) => ownTensors(layer));
    replaceLayer(model, path, () => mergedLayer(updates, isPlain, options));
    dispose(own);
  }
  return [...byPath.keys()];
}

function mergedLayer(updates: readonly Update[], isPlain: boolean, options: MergeOptions) {
  const [first] = updates;
  if (!first) throw new Error("a layer is merged with at least one update");
  const { base } = first.layer;
  const weight = base.denseWeight();
  const plain = plainLike(base, isPlain ? first.layer.mergedWeight(weight) : combined(weight, updates, options));
  if (options.dequantize || !isPackedLayer(base)) return plain;
  const { touchedBits: bits } = options;
  if (bits === undefined || bits === base.quantization.bits) return packed(plain, base.quantization);
  const { group_size } = base.quantization.mode === "affine" ? base.quantization : {};
  return packed(plain, withModeDefaults({ mode: "affine", bits, group_size }));
}

function combined(weight: Tensor, updates: readonly Update[], { method, density }: MergeOptions): Tensor {
  const wide = weight.astype("float32");
  const each = updates.map(({ layer, weight: share }) => ({
    update: layer.mergedWeight(wide).subtract(wide),
    weight: share,
  }));
  return wide.add(combineUpdates(each, method, density)).astype(weight.dtype);
}

function ownTensors(layer: AdapterLayer): Tensor[] {
  const base = new Set(Object.values(layer.base.parameters()));
  return Object.values(layer.parameters()).filter((tensor) => !base.has(tensor));
}
