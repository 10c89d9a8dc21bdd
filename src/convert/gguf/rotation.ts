import { integers } from "../../core/ops.ts";
import { scope } from "../../core/scope.ts";
import type { Tensor } from "../../core/tensor.ts";

/**
 * Where each row of a projection to heads stands in a model that rotates neighbours: row i and row i + E/2 of a head are
 * rotated together here, rows 2i and 2i + 1 there. count: rows, E: head size. → the row here that comes i-th there
 */
export function pairOrder(count: number, E: number): number[] {
  return Array.from({ length: count }, (_, row) => {
    const within = row % E;
    return row - within + (within >> 1) + (within & 1) * (E / 2);
  });
}

/** The rows [count, ...] of a projection, or its biases [count], put into that order. */
export function inPairs(rows: Tensor, E: number): Tensor {
  return scope(() => rows.take(integers(pairOrder(rows.dim(0), E)), 0));
}

/** Where each row comes from on the way back. */
export function halvesOrder(count: number, E: number): number[] {
  const order = new Array<number>(count).fill(0);
  for (const [there, here] of pairOrder(count, E).entries()) order[here] = there;
  return order;
}
