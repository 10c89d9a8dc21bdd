import { keep, scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { Embedding } from "../nn/embedding.ts";
import { Linear } from "../nn/linear.ts";
import type { Module } from "../nn/module.ts";
import { QuantizedEmbedding, QuantizedLinear } from "../nn/quantized.ts";
import { type AdapterLayer, LoRAEmbedding, LoRALinear } from "../tuner/lora.ts";

/**
 * Replaces every adapter of `model` by the plain layer that computes the same, and returns the paths of those layers. A
 * packed layer is unpacked, merged and packed again with its own settings, which loses some of the update; with
 * `dequantize` it stays unpacked.
 */
export function fuseAdapters(model: LanguageModel, { dequantize }: { dequantize: boolean }): string[] {
  const adapters = [...model.modules()].filter((entry): entry is [string, AdapterLayer] => isAdapter(entry[1]));
  for (const [path, adapter] of adapters) replaceLayer(model, path, () => merged(adapter, dequantize));
  return adapters.map(([path]) => path);
}

/** Replaces every packed layer by one in floating point; returns how many. */
export function dequantizeLayers(model: LanguageModel): number {
  const packed = [...model.modules()].filter(([, layer]) => isPacked(layer));
  for (const [path, layer] of packed) replaceLayer(model, path, () => dense(layer));
  return packed.length;
}

function isAdapter(module: Module): boolean {
  return module instanceof LoRALinear || module instanceof LoRAEmbedding;
}

function isPacked(module: Module): boolean {
  return module instanceof QuantizedLinear || module instanceof QuantizedEmbedding;
}

// Evaluated layer by layer, so that one layer's dense form is in memory at a time.
function replaceLayer(model: LanguageModel, path: string, make: () => Module): void {
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
  const weight = adapter.mergedWeight(base.denseWeight());
  const isTable = base instanceof Embedding || base instanceof QuantizedEmbedding;
  const bias = base instanceof Linear || base instanceof QuantizedLinear ? base.bias : undefined;
  const plain = isTable ? Embedding.of(weight) : Linear.of(weight, bias);
  if (dequantize || !(base instanceof QuantizedLinear || base instanceof QuantizedEmbedding)) return plain;
  return plain instanceof Embedding
    ? QuantizedEmbedding.from(plain, base.quantization)
    : QuantizedLinear.from(plain, base.quantization);
}

function dense(layer: Module): Module {
  if (layer instanceof QuantizedLinear) return Linear.of(layer.denseWeight(), layer.bias);
  if (layer instanceof QuantizedEmbedding) return Embedding.of(layer.denseWeight());
  return layer;
}
