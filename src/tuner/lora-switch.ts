import { zeros } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { Dropout } from "../nn/dropout.ts";
import { Module } from "../nn/module.ts";
import { expertProduct, type Routing, type SwitchLayer } from "../nn/switch-linear.ts";
import { type AdapterLayer, initialA, type LoRAParameters } from "./lora.ts";

/**
 * The frozen weights of experts plus a trainable low-rank update for each expert e.
 *
 *   y = Wₑ x + scale · Bₑ Aₑ x        A: [experts, rank, in]   B: [experts, out, rank]
 */
export class LoRASwitchLinear extends Module implements SwitchLayer, AdapterLayer {
  readonly linear: SwitchLayer;
  lora_a: Tensor;
  lora_b: Tensor;
  dropout: Dropout;
  readonly #scale: number;

  constructor(linear: SwitchLayer, { rank, scale, dropout }: LoRAParameters) {
    super();
    const { expertCount, inputDims, outputDims } = linear;
    this.linear = linear.freeze();
    this.lora_a = initialA([expertCount, rank, inputDims], inputDims);
    this.lora_b = zeros([expertCount, outputDims, rank]);
    this.dropout = new Dropout(dropout);
    this.#scale = scale;
  }

  get base(): SwitchLayer {
    return this.linear;
  }
  get expertCount(): number {
    return this.linear.expertCount;
  }
  get inputDims(): number {
    return this.linear.inputDims;
  }
  get outputDims(): number {
    return this.linear.outputDims;
  }

  forward(x: Tensor, routing: Routing): Tensor {
    const y = this.linear.forward(x, routing);
    const reduced = expertProduct(this.dropout.forward(x).astype("float32"), this.lora_a, routing);
    const change = expertProduct(reduced, this.lora_b, routing);
    return y.add(change.multiply(this.#scale).astype(y.dtype));
  }

  denseWeight(): Tensor {
    return this.mergedWeight(this.linear.denseWeight());
  }

  mergedWeight(weight: Tensor): Tensor {
    return weight.add(this.lora_b.multiply(this.#scale).matmul(this.lora_a).astype(weight.dtype));
  }
}
