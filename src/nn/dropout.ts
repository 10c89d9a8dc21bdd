import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { Module } from "./module.ts";

/** In training, zeroes each element with probability p and divides the others by 1 − p. Srivastava et al. 2014. */
export class Dropout extends Module {
  constructor(readonly p: number) {
    super();
  }

  /** Whether it changes anything now. */
  get isActive(): boolean {
    return this.training && this.p > 0;
  }

  forward(x: Tensor): Tensor {
    if (!this.isActive) return x;
    const kept = 1 - this.p;
    return x.multiply(1 / kept).multiply(random.bernoulli(kept, x.shape));
  }
}
