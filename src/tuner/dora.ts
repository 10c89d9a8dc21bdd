import { stopGradient, zeros } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { Dropout } from "../nn/dropout.ts";
import type { LinearLayer } from "../nn/linear.ts";
import { Linear } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { QuantizedLinear } from "../nn/quantized.ts";
import { type AdapterLayer, initialA, type LoRAParameters, loraUpdate } from "./lora.ts";

/**
 * A low-rank update of a layer's direction, with a trainable magnitude m for each output row.
 *
 *   W' = W + scale · (A B)ᵀ     y = (m / ‖W'‖) · (W' x) + b      the norm is by row and carries no gradient
 *
 * Liu et al. 2024, arXiv:2402.09353, eq. 5 and section 4.3.
 */
export class DoRALinear extends Module implements LinearLayer, AdapterLayer {
  readonly linear: LinearLayer;
  lora_a: Tensor;
  lora_b: Tensor;
  m: Tensor;
  dropout: Dropout;
  readonly #scale: number;

  constructor(linear: LinearLayer, { rank, scale, dropout }: LoRAParameters) {
    super();
    this.linear = linear.freeze();
    this.lora_a = initialA(linear.inputDims, rank);
    this.lora_b = zeros([rank, linear.outputDims]);
    this.m = rowNorms(linear.denseWeight().astype("float32"));
    this.dropout = new Dropout(dropout);
    this.#scale = scale;
  }

  get base(): LinearLayer {
    return this.linear;
  }
  get inputDims(): number {
    return this.linear.inputDims;
  }
  get outputDims(): number {
    return this.linear.outputDims;
  }

  forward(x: Tensor): Tensor {
    const weight = this.linear.denseWeight();
    const change = this.dropout.forward(x).matmul(this.lora_a).matmul(this.lora_b);
    const product = x.matmul(weight.astype(x.dtype).transpose()).add(change.multiply(this.#scale).astype(x.dtype));
    const norms = stopGradient(rowNorms(weight.add(loraUpdate(this, this.#scale))));
    const y = this.m.divide(norms).astype(x.dtype).multiply(product);
    const bias = biasOf(this.linear);
    return bias ? y.add(bias) : y;
  }

  denseWeight(): Tensor {
    return this.mergedWeight(this.linear.denseWeight());
  }

  mergedWeight(weight: Tensor): Tensor {
    const adapted = weight.add(loraUpdate(this, this.#scale).astype(weight.dtype));
    return this.m.divide(rowNorms(adapted)).expandDims(1).multiply(adapted).astype(weight.dtype);
  }
}

/** ‖W‖ of each row: [out, in] → [out] */
function rowNorms(weight: Tensor): Tensor {
  return weight.square().sum(1).sqrt();
}

function biasOf(layer: LinearLayer): Tensor | undefined {
  return layer instanceof Linear || layer instanceof QuantizedLinear ? layer.bias : undefined;
}
