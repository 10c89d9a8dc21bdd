import * as random from "../core/random.ts";
import type { Weights } from "../core/safetensors.ts";
import { dispose, keep, scope } from "../core/scope.ts";
import { asyncEval } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { valueAndGrad } from "../nn/value-and-grad.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import type { Schedule } from "../optim/schedule.ts";
import type { Batch } from "./batches.ts";
import { summedLoss } from "./loss.ts";

/** Computes gradients, sums them over the batches of an update, and updates the model's trainable parameters. */
export class Updater {
  readonly #model: LanguageModel;
  readonly #optimizer: Optimizer;
  readonly #schedule: Schedule;
  #accumulated: Weights;
  #learningRate: number;

  /** Goes on with `accumulated`, the sums of an update that is not complete, and owns them. */
  constructor(model: LanguageModel, optimizer: Optimizer, schedule: Schedule, accumulated: Weights = {}) {
    this.#model = model;
    this.#optimizer = optimizer;
    this.#schedule = schedule;
    this.#accumulated = keep(accumulated);
    this.#learningRate = schedule(optimizer.step);
  }

  /** The gradients, by path, summed since the last update. */
  get accumulated(): Weights {
    return this.#accumulated;
  }

  /** The rate of the last update. */
  get learningRate(): number {
    return this.#learningRate;
  }

  /**
   * Adds the gradient of (summed loss / denominator) and, if `update`, changes the parameters.
   * Resolves to the summed loss when everything of the step is computed.
   */
  async step(batch: Batch, { denominator, update }: { denominator: number; update: boolean }): Promise<number> {
    const loss = scope(() => {
      const { values, gradients } = valueAndGrad(this.#model, () => {
        const sum = summedLoss(this.#model, batch, { gradient: true });
        return [sum.divide(denominator), sum];
      });
      this.#add(gradients);
      if (update) this.#update();
      return values[1];
    });
    await asyncEval(loss, this.#model.trainableParameters(), this.#optimizer.state, this.#accumulated, random.state());
    const value = loss?.item() ?? Number.NaN;
    loss?.dispose();
    return value;
  }

  #add(gradients: Weights): void {
    const before = this.#accumulated;
    this.#accumulated = keep(
      Object.fromEntries(
        Object.entries(gradients).map(([path, gradient]) => [path, before[path]?.add(gradient) ?? gradient]),
      ),
    );
    dispose(before);
  }

  #update(): void {
    this.#learningRate = this.#schedule(this.#optimizer.step);
    const parameters = this.#model.trainableParameters();
    this.#model.update(this.#optimizer.update(parameters, this.#accumulated, this.#learningRate));
    dispose(this.#accumulated);
    this.#accumulated = {};
  }

  dispose(): void {
    dispose(this.#accumulated);
    this.#accumulated = {};
  }
}
