import { linear, type Projection } from "../core/kernels.ts";
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
  /** The layer as one product, where it is one. */
  projection(): Projection | undefined;
}

/** One input through several layers: a single pass where all are products that our kernels know. */
export function project(x: Tensor, layers: [LinearLayer, LinearLayer]): [Tensor, Tensor];
export function project(x: Tensor, layers: [LinearLayer, LinearLayer, LinearLayer]): [Tensor, Tensor, Tensor];
export function project(x: Tensor, layers: readonly LinearLayer[]): Tensor[] {
  return projected(x, layers) ?? layers.map((layer) => layer.forward(x));
}

/** The outputs of our kernels, or undefined when they do not know a layer. */
export function projected(x: Tensor, layers: readonly LinearLayer[]): Tensor[] | undefined {
  const projections = layers.map((layer) => layer.projection());
  return projections.every((each) => each !== undefined) ? linear(x, projections) : undefined;
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
    const [output] = projected(x, [this]) ?? [];
    if (output) return output;
    const weight = this.weight.transpose();
    return this.bias ? addmm(this.bias, x, weight) : x.matmul(weight);
  }

  denseWeight(): Tensor {
    return this.weight;
  }

  projection(): Projection {
    return { weight: this.weight, bias: this.bias };
  }
}
