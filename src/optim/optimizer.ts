import { zerosLike } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";

/** What an optimizer remembers of one parameter, by MLX's names (`m`, `v`). */
export type Moments = Record<string, Tensor>;

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
  protected abstract apply(
    parameter: Tensor,
    gradient: Tensor,
    moments: Moments,
    learningRate: number,
  ): { parameter: Tensor; moments: Moments };

  /** New values for `parameters`, by the same paths; they are not evaluated and belong to the caller. */
  update(parameters: Weights, gradients: Weights, learningRate: number): Weights {
    this.#step++;
    const updated: Weights = {};
    for (const [path, gradient] of Object.entries(gradients)) {
      const parameter = parameters[path];
      if (!parameter) throw new Error(`a gradient for ${path}, which is not a parameter`);
      const before = this.#moments[path] ?? this.#initial(parameter);
      const after = this.apply(parameter, gradient, before, learningRate);
      this.#moments[path] = keep(after.moments);
      for (const moment of Object.values(before)) moment.dispose();
      updated[path] = after.parameter;
    }
    return updated;
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
