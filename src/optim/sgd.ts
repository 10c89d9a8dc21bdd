import { Optimizer, type Update, type Updated } from "./optimizer.ts";

export interface SGDOptions {
  momentum?: number;
  weight_decay?: number;
  dampening?: number;
  nesterov?: boolean;
}

/** v ← μ v + (1 − τ) g   p ← p − η v (Nesterov: g + μ v). Sutskever et al. 2013. */
export class SGD extends Optimizer {
  protected readonly momentNames: readonly string[];
  readonly #options: Required<SGDOptions>;

  constructor({ momentum = 0, weight_decay = 0, dampening = 0, nesterov = false }: SGDOptions = {}) {
    super();
    this.#options = { momentum, weight_decay, dampening, nesterov };
    this.momentNames = momentum > 0 ? ["v"] : [];
  }

  protected override apply({ parameter, gradient, moments }: Update, learningRate: number): Updated {
    const { momentum, weight_decay, dampening, nesterov } = this.#options;
    const g = weight_decay === 0 ? gradient : gradient.add(parameter.multiply(weight_decay));
    const previous = moments.v;
    if (!previous) return { parameter: parameter.subtract(g.multiply(learningRate)), moments: {} };
    const v = previous.multiply(momentum).add(dampening > 0 ? g.multiply(1 - dampening) : g);
    const direction = nesterov ? g.add(v.multiply(momentum)) : v;
    return { parameter: parameter.subtract(direction.multiply(learningRate)), moments: { v } };
  }
}
