import { native } from "../native/binding.ts";
import { hasCpuKernels, hasCpuProducts } from "./kernels.ts";
import { silu } from "./ops.ts";
import { Tensor } from "./tensor.ts";

export { type AttentionMask, scaledDotProductAttention } from "./attention.ts";

// Fused operations with gradients: MLX's kernels on Metal and CUDA, our own in float32 on a Linux CPU.

/** x / rms(x) · weight over the last axis, accumulated in float32. Zhang & Sennrich 2019, arXiv:1910.07467. */
export function rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  if (weight && hasCpuKernels(x.dtype) && hasCpuKernels(weight.dtype)) {
    return new Tensor(native.cpuRmsNorm(x.handle, weight.handle, eps));
  }
  return new Tensor(native.rmsNorm(x.handle, weight?.handle, eps));
}

/** (x − mean) / deviation · weight + bias over the last axis. Ba et al. 2016, arXiv:1607.06450. */
export function layerNorm(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined, eps: number): Tensor {
  return new Tensor(native.layerNorm(x.handle, weight?.handle, bias?.handle, eps));
}

export interface RopeOptions {
  /** How many of the last axis's elements are rotated. */
  dims: number;
  /** Pairs of neighbours instead of the two halves. */
  traditional: boolean;
  /** Absent when `freqs` are given. */
  base: number | undefined;
  /** Multiplies positions. */
  scale: number;
  /** Wavelengths over 2π, one for each pair. */
  freqs: Tensor | undefined;
  /** Radians a position for each pair, scale and all: what base or freqs come to, for our own kernel. */
  frequencies?: Tensor;
}

/** Rotary position embedding of x [..., L, E], whose first row stands at position `offset`. Su et al. 2021, arXiv:2104.09864. */
export function rope(x: Tensor, offset: number, options: RopeOptions): Tensor {
  const { dims, traditional, base, scale, freqs, frequencies } = options;
  if (frequencies && hasCpuProducts(x.dtype)) {
    return new Tensor(native.cpuRope(x.handle, frequencies.handle, offset, traditional));
  }
  return new Tensor(native.rope(x.handle, dims, traditional, base, scale, offset, freqs?.handle));
}

/** silu(gate) · up, the gated unit of an MLP. Shazeer 2020, arXiv:2002.05202. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  if (hasCpuKernels(gate.dtype) && hasCpuKernels(up.dtype)) return new Tensor(native.cpuSwiglu(gate.handle, up.handle));
  return silu(gate).multiply(up);
}

/** logsumexp(logits) − logits[target]: logits [..., V], targets [...] integers → [...]. */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return new Tensor(native.crossEntropy(logits.handle, targets.handle));
}
