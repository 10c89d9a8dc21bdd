import type { Quantization } from "../core/ops.ts";
import { keep, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { Embedding } from "../nn/embedding.ts";
import { Linear } from "../nn/linear.ts";
import type { Module } from "../nn/module.ts";
import { isPackedLayer, type PackedLayer } from "../nn/packed-layer.ts";
import { QuantizedEmbedding, QuantizedLinear } from "../nn/quantized.ts";
import { QuantizedSwitchLinear, SwitchLinear } from "../nn/switch-linear.ts";
import { adapterLayers } from "../tuner/adapter-switch.ts";
import type { AdapterLayer } from "../tuner/lora.ts";

/**
 * Replaces every adapter of `model` by the plain layer that computes the same, and returns the paths of those layers. A
 * packed layer is unpacked, merged and packed again with its own settings, which loses some of the update; with
 * `dequantize` it stays unpacked.
 */
export function fuseAdapters(model: LanguageModel, { dequantize }: { dequantize: boolean }): string[] {
  const adapters = adapterLayers(model);
  for (const [path, adapter] of adapters) replaceLayer(model, path, () => merged(adapter, dequantize));
  return adapters.map(([path]) => path);
}

/** Replaces every packed layer by one in floating point; returns how many. */
export function dequantizeLayers(model: LanguageModel): number {
  const packed = [...model.modules()].filter((entry): entry is [string, PackedLayer] => isPackedLayer(entry[1]));
  for (const [path, layer] of packed) replaceLayer(model, path, () => dense(layer));
  return packed.length;
}

/**
 * Puts what `make` gives in the place of a layer, whose tensors are freed but for those that both have. Evaluated layer by layer, so
 * that one layer's dense form is in memory at a time.
 */
export function replaceLayer(model: LanguageModel, path: string, make: () => Module): void {
  const previous = model.find(path);
  const layer = scope(() => {
    const made = make();
    keep(made.parameters());
    return made;
  });
  evaluate(layer.parameters());
  model.replace(path, layer);
  const kept = new Set(Object.values(layer.parameters()).map((tensor) => tensor.handle));
  for (const tensor of Object.values(previous?.parameters() ?? {})) if (!kept.has(tensor.handle)) tensor.dispose();
}

function merged(adapter: AdapterLayer, dequantize: boolean): Module {
  const { base } = adapter;
  const plain = plainLike(base, adapter.mergedWeight(base.denseWeight()));
  return dequantize || !isPackedLayer(base) ? plain : packed(plain, base.quantization);
}

export function packed(plain: Linear | Embedding | SwitchLinear, settings: Quantization): PackedLayer {
  if (plain instanceof SwitchLinear) return QuantizedSwitchLinear.from(plain, settings);
  return plain instanceof Embedding ? QuantizedEmbedding.from(plain, settings) : QuantizedLinear.from(plain, settings);
}

function dense(layer: PackedLayer): Module {
  return plainLike(layer, layer.denseWeight());
}

/** The kind of layer that `layer` is, with this weight in floating point. */
export function plainLike(layer: Module, weight: Tensor): Linear | Embedding | SwitchLinear {
  if (layer instanceof Embedding || layer instanceof QuantizedEmbedding) return Embedding.of(weight);
  if (layer instanceof SwitchLinear || layer instanceof QuantizedSwitchLinear) return SwitchLinear.of(weight);
  return Linear.of(weight, layer instanceof Linear || layer instanceof QuantizedLinear ? layer.bias : undefined);
}
