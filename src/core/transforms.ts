import { type Handle, native } from "../native/binding.ts";
import { handles } from "./ops.ts";
import { scope, tensorsOf } from "./scope.ts";
import { Tensor } from "./tensor.ts";

type Body = (...lists: Tensor[][]) => Tensor[];

/** Computes tensors now and blocks until they are there. */
export function evaluate(...trees: unknown[]): void {
  native.eval(handles(tensorsOf(trees)));
}

/** Starts to compute tensors and resolves when they are there; the event loop stays free. */
export function asyncEval(...trees: unknown[]): Promise<void> {
  return native.asyncEval(handles(tensorsOf(trees)));
}

/**
 * The value of `body(inputs)`, whose first output must be a scalar, and its gradient for each input.
 * An error thrown in `body` comes out as it is.
 */
export function valueAndGrad(
  body: (inputs: Tensor[]) => Tensor[],
  inputs: readonly Tensor[],
): { values: Tensor[]; gradients: Tensor[] } {
  return scope(() => {
    const [values, gradients] = native.valueAndGrad(traced(body), handles(inputs), inputs.length);
    return { values: wrap(values), gradients: wrap(gradients) };
  });
}

/** body(inputs), whose intermediate values are computed again for the gradient instead of being held. Chen et al. 2016, arXiv:1604.06174. */
export function checkpoint(body: (inputs: Tensor[]) => Tensor[], inputs: readonly Tensor[]): Tensor[] {
  return scope(() => wrap(native.checkpoint(traced(body), handles(inputs))));
}

/** body(inputs), with `gradient(inputs, cotangents, outputs)` in place of its derived gradient. */
export function customVjp(
  body: (inputs: Tensor[]) => Tensor[],
  gradient: (inputs: Tensor[], cotangents: Tensor[], outputs: Tensor[]) => Tensor[],
  inputs: readonly Tensor[],
): Tensor[] {
  return scope(() => wrap(native.customVjp(traced(body), traced(gradient), handles(inputs))));
}

/**
 * A function that runs the compiled graph of `body`, which must not depend on anything but its inputs.
 * On a CPU MLX compiles with the system's C++ compiler; use it on Metal and CUDA only.
 */
export function compile(
  body: (inputs: Tensor[]) => Tensor[],
  { shapeless = false } = {},
): (inputs: readonly Tensor[]) => Tensor[] {
  const compiled = native.compile(traced(body), shapeless);
  return (inputs) => scope(() => wrap(compiled(handles(inputs))));
}

// Everything traced in the body is freed at its end but the inputs and outputs, which go with the scope of the transform.
function traced(body: Body): (...lists: Handle[][]) => Handle[] {
  return (...lists) => handles(scope(() => body(...lists.map(wrap))));
}

function wrap(list: readonly Handle[]): Tensor[] {
  return list.map((handle) => new Tensor(handle));
}
