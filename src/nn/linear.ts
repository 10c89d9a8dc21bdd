import { addmm } from "../core/ops.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { Module } from "./module.ts";

/** What stands in a linear layer's place: plain, packed, or with an adapter. */
export interface LinearLayer extends Module {
  readonly inputDims: number;
  readonly outputDims: number;
  /** x: [..., in] → [..., out] */
  forward(x: Tensor): Tensor;
  /** W in floating point, [out, in]. */
  denseWeight(): Tensor;
}

/** y = x Wᵀ + b.   x: [..., in]   W: [out, in]   b: [out]   y: [..., out] */
export class Linear extends Module implements LinearLayer {
  weight: Tensor;
  declare bias?: Tensor;

  /** Weights start uniform in ±1/√in, as in MLX. */
  constructor(inputDims: number, outputDims: number, { bias = true } = {}) {
    super();
    const bound = 1 / Math.sqrt(inputDims);
    this.weight = random.uniform([outputDims, inputDims], { low: -bound, high: bound });
    if (bias) this.bias = random.uniform([outputDims], { low: -bound, high: bound });
  }

  /** A layer that takes existing tensors over. */
  static of(weight: Tensor, bias?: Tensor): Linear {
    const [outputDims = 0, inputDims = 0] = weight.shape;
    const layer = new Linear(inputDims, outputDims, { bias: bias !== undefined });
    layer.update(bias ? { weight, bias } : { weight });
    return layer;
  }

  get inputDims(): number {
    return this.weight.dim(1);
  }
  get outputDims(): number {
    return this.weight.dim(0);
  }

  forward(x: Tensor): Tensor {
    const weight = this.weight.transpose();
    return this.bias ? addmm(this.bias, x, weight) : x.matmul(weight);
  }

  denseWeight(): Tensor {
    return this.weight;
  }
}
