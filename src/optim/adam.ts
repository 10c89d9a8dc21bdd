import { adam } from "../core/kernels.ts";
import type { Tensor } from "../core/tensor.ts";
import { Optimizer, type Update, type Updated } from "./optimizer.ts";

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
  readonly #weightDecay: number;

  constructor({ betas = [0.9, 0.999], eps = 1e-8, bias_correction = false }: AdamOptions = {}, weightDecay = 0) {
    super();
    this.#betas = betas;
    this.#eps = eps;
    this.#biasCorrection = bias_correction;
    this.#weightDecay = weightDecay;
  }

  protected override apply({ parameter, gradient, moments }: Update, learningRate: number): Updated {
    const [beta1, beta2] = this.#betas;
    const { rate, rootScale, decay } = this.#factors(learningRate);
    const m = decayed(moments.m, beta1, gradient);
    const v = decayed(moments.v, beta2, gradient.square());
    const root = rootScale === 1 ? v.sqrt() : v.sqrt().multiply(rootScale);
    const kept = decay === 1 ? parameter : parameter.multiply(decay);
    return { parameter: kept.subtract(m.multiply(rate).divide(root.add(this.#eps))), moments: { m, v } };
  }

  protected override applyAll(before: readonly Update[], learningRate: number): Updated[] {
    const step = { betas: this.#betas, eps: this.#eps, ...this.#factors(learningRate) };
    return adam(before, step) ?? super.applyAll(before, learningRate);
  }

  #factors(learningRate: number): { rate: number; rootScale: number; decay: number } {
    const [beta1, beta2] = this.#betas;
    const decay = 1 - learningRate * this.#weightDecay;
    if (!this.#biasCorrection) return { rate: learningRate, rootScale: 1, decay };
    return { rate: learningRate / (1 - beta1 ** this.step), rootScale: (1 - beta2 ** this.step) ** -0.5, decay };
  }
}

/** Adam on p · (1 − η λ): weight decay beside the gradient, not in it. Loshchilov & Hutter 2017, arXiv:1711.05101. */
export class AdamW extends Adam {
  constructor({ weight_decay = 0.01, ...options }: AdamOptions & { weight_decay?: number } = {}) {
    super(options, weight_decay);
  }
}

function decayed(moment: Tensor | undefined, beta: number, value: Tensor): Tensor {
  const fresh = value.multiply(1 - beta);
  return moment ? moment.multiply(beta).add(fresh) : fresh;
}
