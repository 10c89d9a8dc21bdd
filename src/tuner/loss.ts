import * as fast from "../core/fast.ts";
import { linearCrossEntropy } from "../core/kernels.ts";
import { concatenate, integers, stopGradient } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { checkpoint } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { byPath } from "../nn/value-and-grad.ts";
import type { Batch } from "./batches.ts";

// B batch · L positions · D hidden · V vocabulary · N target tokens of the batch

/** Logits that one chunk of the output layer may hold. */
const chunkBytes = 128 * 2 ** 20;

/**
 * The sum of the cross-entropies of the batch's target tokens, a float32 scalar. The output layer sees only the positions
 * that predict a target, some at a time.
 */
export function summedLoss(model: LanguageModel, batch: Batch, { gradient }: { gradient: boolean }): Tensor {
  const { rows, width } = batch;
  const tokens = integers(batch.inputs, [rows, width]);
  const hidden = model.hidden(tokens); // [B, L, D]
  const predicting = hidden.reshape(rows * width, -1).take(integers(batch.positions), 0); // [N, D]
  return headLoss(model, predicting, integers(batch.targets), gradient);
}

/** The summed cross-entropy of the output layer: predicting [N, D], targets [N] → scalar, float32. */
export function headLoss(model: LanguageModel, predicting: Tensor, targets: Tensor, gradient: boolean): Tensor {
  const { head } = model;
  const projection = head.projection();
  const isTrained = Object.keys(head.trainableParameters()).length > 0;
  const gradients = !gradient ? "none" : isTrained ? "hidden and weight" : "hidden";
  const loss = projection && linearCrossEntropy(predicting, projection, targets, gradients);
  return loss ?? chunkedLosses(model, predicting, targets, gradient).astype("float32").sum();
}

/** Each target's loss [N] through MLX's own operations: the logits of a chunk are computed again for the gradient. */
function chunkedLosses(model: LanguageModel, predicting: Tensor, targets: Tensor, gradient: boolean): Tensor {
  const count = targets.size;
  const rows = Math.max(16, Math.floor(chunkBytes / (4 * model.config.vocab_size)));
  const trainable = model.head.trainableParameters();
  const paths = Object.keys(trainable);
  const lossesOf = ([h, t, ...parameters]: Tensor[]): Tensor[] => {
    if (!h || !t) throw new Error("a chunk has hidden states and targets");
    return [
      model.head.withParameters(byPath(paths, parameters), () => fast.crossEntropy(model.logits(h), stopGradient(t))),
    ];
  };
  const losses: Tensor[] = [];
  for (let start = 0; start < count; start += rows) {
    const stop = Math.min(start + rows, count);
    const inputs = [predicting.slice(0, start, stop), targets.slice(0, start, stop), ...Object.values(trainable)];
    losses.push(...(gradient && count > rows ? checkpoint(lossesOf, inputs) : lossesOf(inputs)));
  }
  return losses.length === 1 && losses[0] ? losses[0] : concatenate(losses, 0);
}
