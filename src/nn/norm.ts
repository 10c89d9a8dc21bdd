import * as fast from "../core/fast.ts";
import { ones, zeros } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { Module } from "./module.ts";

/** x / rms(x) · weight over the last axis. */
export class RMSNorm extends Module {
  weight: Tensor;

  constructor(
    dims: number,
    readonly eps: number,
  ) {
    super();
    this.weight = ones([dims]);
  }

  forward(x: Tensor): Tensor {
    return fast.rmsNorm(x, this.weight, this.eps);
  }

  /** h = x + delta, or x, and its norm: see `fast.residualRmsNorm`. */
  residual(x: Tensor, delta?: Tensor): [normed: Tensor, h: Tensor] {
    return fast.residualRmsNorm(x, delta, this.weight, this.eps);
  }
}

/** (x − mean) / deviation · weight + bias over the last axis. */
export class LayerNorm extends Module {
  weight: Tensor;
  declare bias?: Tensor;

  constructor(
    dims: number,
    readonly eps: number,
    { bias = true } = {},
  ) {
    super();
    this.weight = ones([dims]);
    if (bias) this.bias = zeros([dims]);
  }

  forward(x: Tensor): Tensor {
    return fast.layerNorm(x, this.weight, this.bias, this.eps);
  }
}
