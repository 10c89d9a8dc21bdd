import type { Weights } from "../core/safetensors.ts";
import type { Tensor } from "../core/tensor.ts";
import * as transforms from "../core/transforms.ts";
import type { Module } from "./module.ts";

/**
 * The outputs of `loss()`, the first of them a scalar, and that scalar's gradient for every trainable parameter of
 * `model`, keyed by path. Traced tensors stand in for the parameters while `loss` runs.
 */
export function valueAndGrad(model: Module, loss: () => Tensor[]): { values: Tensor[]; gradients: Weights } {
  const parameters = model.trainableParameters();
  const paths = Object.keys(parameters);
  const { values, gradients } = transforms.valueAndGrad(
    (traced) => model.withParameters(byPath(paths, traced), loss),
    Object.values(parameters),
  );
  return { values, gradients: byPath(paths, gradients) };
}

/** The tensors by path, first to first; those beyond the paths are left out. */
export function byPath(paths: readonly string[], tensors: readonly Tensor[]): Weights {
  return Object.fromEntries(paths.flatMap((path, i) => (tensors[i] ? [[path, tensors[i]]] : [])));
}
