import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import { Tensor } from "./tensor.ts";

// Our own kernels for a Linux CPU (native/cpu): float32, threaded, with gradients. MLX's plain operations compute the same
// and are what the kernels are tested against.

let enabled = process.env.CYGNET_CPU_KERNELS !== "off";

/** Chooses between our kernels and MLX's plain operations; `CYGNET_CPU_KERNELS=off` starts with the latter. */
export function useCpuKernels(on: boolean): void {
  enabled = on;
}

/** Whether our kernels compute tensors of this dtype here. */
export function hasCpuKernels(dtype: DType): boolean {
  return enabled && dtype === "float32" && native.hasCpuKernels() && native.defaultDevice() === "cpu";
}

/**
 * −log softmax(hidden · weightᵀ)[target] for each row, without holding all logits: rows go through in chunks.
 * hidden: [N, D] float32 · weight: [V, D] float32, frozen · targets: [N] integers below V → [N].
 * With `gradient` the pass also computes the gradient for hidden, which differentiating needs.
 */
export function linearCrossEntropy(hidden: Tensor, weight: Tensor, targets: Tensor, gradient: boolean): Tensor {
  return new Tensor(native.linearCrossEntropy(hidden.handle, weight.handle, targets.handle, gradient));
}
