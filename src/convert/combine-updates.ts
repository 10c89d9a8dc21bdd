import { sort, where } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";

/** How the updates that several adapters make to a weight become one. */
export type MergeMethod =
  /** Their sum, each times its own weight. */
  | "linear"
  /**
   * Of each update only the largest elements; where their signs differ, those of the sign that outweighs; the mean of these. Yadav
   * et al. 2023, arXiv:2306.01708, section 3.
   */
  | "ties";

/** One update of a weight, and how much of it counts. */
export interface WeightedUpdate {
  /** In the weight's shape, float32. */
  update: Tensor;
  weight: number;
}

/** density: of each update's elements the share that `ties` keeps, above 0 and at most 1. */
export function combineUpdates(updates: readonly WeightedUpdate[], method: MergeMethod, density: number): Tensor {
  const scaled = updates.map(({ update, weight }) =>
    (method === "ties" ? trimmed(update, density) : update).multiply(weight),
  );
  const sum = total(scaled);
  if (method === "linear") return sum;
  const zero = sum.multiply(0);
  const agrees = scaled.map((each) => each.multiply(sum).greater(zero).astype("float32"));
  const count = total(agrees);
  const agreed = total(scaled.map((each, i) => each.multiply(agrees[i] ?? zero)));
  return where(count.greater(zero), agreed.divide(count), zero);
}

/** The largest elements by size, the others 0. */
function trimmed(update: Tensor, density: number): Tensor {
  const { size } = update;
  const kept = Math.max(1, Math.round(density * size));
  if (kept >= size) return update;
  const sizes = update.abs();
  const least = sort(sizes.reshape(size), 0).slice(0, size - kept, size - kept + 1);
  return where(sizes.greaterEqual(least), update, update.multiply(0));
}

function total(tensors: readonly Tensor[]): Tensor {
  return tensors.reduce((sum, each) => sum.add(each));
}
