import type { Tensor } from "../core/tensor.ts";
import { type Moments, Optimizer } from "./optimizer.ts";

export interface AdamOptions {
  /** Decay rates of the first and second moment. */
  betas?: readonly [number, number];
  eps?: number;
  /** Divides the moments by 1 − βᵗ. Off by default, as in MLX. */
  bias_correction?: boolean;
}

/**
 * m ← β₁ m + (1 − β₁) g   v ← β₂ v + (1 − β₂) g²   p ← p − η m / (√v + ε).
 * Kingma & Ba 2014, arXiv:1412.6980, algorithm 1; without bias correction unless asked, as in MLX.
 */
export class Adam extends Optimizer {
  protected readonly momentNames = ["m", "v"];
  readonly #betas: readonly [number, number];
  readonly #eps: number;
  readonly #biasCorrection: boolean;

  constructor({ betas = [0.9, 0.999], eps = 1e-8, bias_correction = false }: AdamOptions = {}) {
    super();
    this.#betas = betas;
    this.#eps = eps;
    this.#biasCorrection = bias_correction;
  }

  protected override apply(
    parameter: Tensor,
    gradient: Tensor,
    moments: Moments,
    learningRate: number,
  ): { parameter: Tensor; moments: Moments } {
    const [beta1, beta2] = this.#betas;
    const m = decayed(moments.m, beta1, gradient);
    const v = decayed(moments.v, beta2, gradient.square());
    const [rate, root] = this.#biasCorrection
      ? [learningRate / (1 - beta1 ** this.step), v.sqrt().multiply((1 - beta2 ** this.step) ** -0.5)]
      : [learningRate, v.sqrt()];
    return { parameter: parameter.subtract(m.multiply(rate).divide(root.add(this.#eps))), moments: { m, v } };
  }
}

/** Adam on p · (1 − η λ): weight decay beside the gradient, not in it. Loshchilov & Hutter 2017, arXiv:1711.05101. */
export class AdamW extends Adam {
  readonly #weightDecay: number;

  constructor({ weight_decay = 0.01, ...options }: AdamOptions & { weight_decay?: number } = {}) {
    super(options);
    this.#weightDecay = weight_decay;
  }

  protected override apply(
    parameter: Tensor,
    gradient: Tensor,
    moments: Moments,
    learningRate: number,
  ): { parameter: Tensor; moments: Moments } {
    return super.apply(parameter.multiply(1 - learningRate * this.#weightDecay), gradient, moments, learningRate);
  }
}

function decayed(moment: Tensor | undefined, beta: number, value: Tensor): Tensor {
  const fresh = value.multiply(1 - beta);
  return moment ? moment.multiply(beta).add(fresh) : fresh;
}
