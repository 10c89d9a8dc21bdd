import { native } from "../native/binding.ts";
import type { DType } from "./dtype.ts";
import { Tensor } from "./tensor.ts";

// Our own kernels for a Linux CPU (native/cpu): float32, threaded, with gradients. MLX's plain operations compute the same
// and are what the kernels are tested against.

const built = native.hasCpuKernels();
let enabled = process.env.CYGNET_CPU_KERNELS !== "off";

/** Chooses between our kernels and MLX's plain operations; `CYGNET_CPU_KERNELS=off` starts with the latter. */
export function useCpuKernels(on: boolean): void {
  enabled = on;
}

/** Whether our kernels compute tensors of this dtype here. */
export function hasCpuKernels(dtype: DType): boolean {
  return built && enabled && dtype === "float32" && native.defaultDevice() === "cpu";
}

/** What a pass of `linearCrossEntropy` computes beside the loss: differentiating needs it. */
const gradientSets = ["none", "hidden", "hidden and weight"] as const;
export type GradientSet = (typeof gradientSets)[number];

/**
 * The sum over rows of −log softmax(hidden · weightᵀ)[target], without holding all logits: rows go through in chunks.
 * hidden: [N, D] float32 · weight: [V, D] float32 · targets: [N] integers below V → scalar.
 */
export function linearCrossEntropy(hidden: Tensor, weight: Tensor, targets: Tensor, gradients: GradientSet): Tensor {
  return new Tensor(
    native.linearCrossEntropy(hidden.handle, weight.handle, targets.handle, gradientSets.indexOf(gradients)),
  );
}
