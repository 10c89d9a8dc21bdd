import { zerosLike } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";

/** What an optimizer remembers of one parameter, by MLX's names (`m`, `v`). */
export type Moments = Record<string, Tensor>;

export interface Updated {
  parameter: Tensor;
  moments: Moments;
}
export interface Update extends Updated {
  gradient: Tensor;
}

/**
 * Turns gradients into new parameters. State is made at a parameter's first gradient, in its dtype, and belongs to the
 * optimizer; evaluate it with the parameters of the same step.
 */
export abstract class Optimizer {
  #moments: Record<string, Moments> = {};
  #step = 0;

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /** The names of the moments that each parameter has. */
  protected abstract readonly momentNames: readonly string[];

  /** One parameter's new value and moments. */
  protected abstract apply(before: Update, learningRate: number): Updated;

  /** What `apply` gives for each; an optimizer that can compute many at once does so here. */
  protected applyAll(before: readonly Update[], learningRate: number): Updated[] {
    return before.map((each) => this.apply(each, learningRate));
  }

  /** New values for `parameters`, by the same paths; they are not evaluated and belong to the caller. */
  update(parameters: Weights, gradients: Weights, learningRate: number): Weights {
    this.#step++;
    const paths = Object.keys(gradients);
    const before = Object.entries(gradients).map(([path, gradient]) => {
      const parameter = parameters[path];
      if (!parameter) throw new Error(`a gradient for ${path}, which is not a parameter`);
      return { parameter, gradient, moments: this.#moments[path] ?? this.#initial(parameter) };
    });
    const after = this.applyAll(before, learningRate);
    return Object.fromEntries(
      after.map(({ parameter, moments }, i) => {
        const path = paths[i] ?? "";
        this.#moments[path] = keep(moments);
        for (const moment of Object.values(before[i]?.moments ?? {})) moment.dispose();
        return [path, parameter];
      }),
    );
  }

  #initial(parameter: Tensor): Moments {
    return Object.fromEntries(this.momentNames.map((name) => [name, zerosLike(parameter)]));
  }

  /** All moments by `path.name`, to evaluate and to save. */
  get state(): Weights {
    return Object.fromEntries(
      Object.entries(this.#moments).flatMap(([path, moments]) =>
        Object.entries(moments).map(([name, tensor]) => [`${path}.${name}`, tensor]),
      ),
    );
  }

  /** Takes a saved state over. */
  restore(state: Weights, step: number): void {
    this.dispose();
    this.#step = step;
    for (const [name, tensor] of Object.entries(state)) {
      const at = name.lastIndexOf(".");
      const path = name.slice(0, at);
      this.#moments[path] = { ...this.#moments[path], [name.slice(at + 1)]: keep(tensor) };
    }
  }

  dispose(): void {
    for (const tensor of Object.values(this.state)) tensor.dispose();
    this.#moments = {};
  }
}
