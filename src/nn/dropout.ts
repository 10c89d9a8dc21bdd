import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { Module } from "./module.ts";

/** In training, zeroes each element with probability p and divides the others by 1 − p. Srivastava et al. 2014. */
export class Dropout extends Module {
  constructor(readonly p: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    const kept = 1 - this.p;
    return x.multiply(1 / kept).multiply(random.bernoulli(kept, x.shape));
  }
}
