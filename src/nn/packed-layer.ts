import type { Module } from "./module.ts";
import { QuantizedEmbedding, QuantizedLinear } from "./quantized.ts";
import { QuantizedSwitchLinear } from "./switch-linear.ts";

export type PackedLayer = QuantizedLinear | QuantizedEmbedding | QuantizedSwitchLinear;

/** Whether a layer's weight is packed. */
export function isPackedLayer(module: Module): module is PackedLayer {
  return (
    module instanceof QuantizedLinear || module instanceof QuantizedEmbedding || module instanceof QuantizedSwitchLinear
  );
}
