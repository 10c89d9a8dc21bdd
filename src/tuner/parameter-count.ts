import type { LanguageModel } from "../models/language-model.ts";
import { isPackedLayer } from "../nn/packed-layer.ts";

/** Numbers of parameters. Packed weights count as the numbers that they stand for, without scales and biases. */
export function countParameters(model: LanguageModel): { trainable_parameters: number; total_parameters: number } {
  const trainable = Object.values(model.trainableParameters()).reduce((sum, tensor) => sum + tensor.size, 0);
  let total = Object.values(model.parameters()).reduce((sum, tensor) => sum + tensor.size, 0);
  for (const [, layer] of model.modules()) {
    if (!isPackedLayer(layer)) continue;
    const packed = layer.weight.size + layer.scales.size + (layer.biases?.size ?? 0);
    total += (layer.weight.size * 32) / layer.quantization.bits - packed;
  }
  return { trainable_parameters: trainable, total_parameters: Math.round(total) };
}
