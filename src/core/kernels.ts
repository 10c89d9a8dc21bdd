import { native } from "../native/binding.ts";
import { defaultDevice } from "./device.ts";
import { Tensor } from "./tensor.ts";

/** Whether our own CPU kernels compute here: a Linux build on the CPU, unless CYGNET_CPU_KERNELS=off. */
export function hasCpuKernels(): boolean {
  return native.hasCpuKernels() && defaultDevice() === "cpu" && process.env.CYGNET_CPU_KERNELS !== "off";
}

/**
 * −log softmax(hidden · weightᵀ)[target] for each row, without holding all logits: rows go through in chunks.
 * hidden: [N, D] float32 · weight: [V, D] float32, frozen · targets: [N] integers below V → [N].
 * With `gradient` the pass also computes the gradient for hidden, which differentiating needs.
 */
export function linearCrossEntropy(hidden: Tensor, weight: Tensor, targets: Tensor, gradient: boolean): Tensor {
  return new Tensor(native.linearCrossEntropy(hidden.handle, weight.handle, targets.handle, gradient));
}
