import { scope } from "../core/scope.ts";
import { asyncEval } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { Batch } from "./batches.ts";
import { summedLoss } from "./loss.ts";

/** The mean cross-entropy, in nats, of the target tokens of all batches; NaN when there is none. */
export async function evaluateLoss(model: LanguageModel, batches: Iterable<Batch>): Promise<number> {
  const wasTraining = model.training;
  model.train(false);
  let sum = 0;
  let count = 0;
  try {
    for (const batch of batches) {
      const loss = scope(() => summedLoss(model, batch, { gradient: false }));
      await asyncEval(loss);
      sum += loss.item();
      count += batch.targets.length;
      loss.dispose();
    }
  } finally {
    model.train(wasTraining);
  }
  return sum / count;
}
