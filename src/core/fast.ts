import { native } from "../native/binding.ts";
import { hasCpuKernels, maxHeadSize } from "./kernels.ts";
import { silu } from "./ops.ts";
import { Tensor } from "./tensor.ts";

export { type AttentionMask, scaledDotProductAttention } from "./attention.ts";

// Fused operations with gradients: MLX's kernels on Metal and CUDA, our own on a Linux CPU.

/** x / rms(x) · weight over the last axis, accumulated in float32. Zhang & Sennrich 2019, arXiv:1910.07467. */
export function rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  if (weight && hasCpuKernels(x.dtype)) {
    return new Tensor(native.cpuRmsNorm(x.handle, weight.handle, eps));
  }
  return new Tensor(native.rmsNorm(x.handle, weight?.handle, eps));
}

/**
 * A norm within a residual stream: h = x + delta, or x, and h / rms(h) · weight. What follows takes both from here, so that
 * the gradients of both come back in one pass.
 */
export function residualRmsNorm(
  x: Tensor,
  delta: Tensor | undefined,
  weight: Tensor,
  eps: number,
): [normed: Tensor, h: Tensor] {
  if (hasCpuKernels(x.dtype) && (!delta || delta.dtype === x.dtype)) {
    const [normed, h] = native.cpuResidualRmsNorm(x.handle, delta?.handle, weight.handle, eps);
    return [new Tensor(normed), new Tensor(h)];
  }
  const h = delta ? x.add(delta) : x;
  return [rmsNorm(h, weight, eps), h];
}

/** a + b of one shape. */
export function add(a: Tensor, b: Tensor): Tensor {
  const isKnown = hasCpuKernels(a.dtype) && a.dtype === b.dtype && a.shape.join() === b.shape.join();
  return isKnown ? new Tensor(native.cpuAdd(a.handle, b.handle)) : a.add(b);
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
  if (frequencies && hasCpuKernels(x.dtype) && x.dim(-1) <= maxHeadSize) {
    return new Tensor(native.cpuRope(x.handle, frequencies.handle, offset, traditional));
  }
  return new Tensor(native.rope(x.handle, dims, traditional, base, scale, offset, freqs?.handle));
}

/** silu(gate) · up, the gated unit of an MLP. Shazeer 2020, arXiv:2002.05202. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  if (hasCpuKernels(gate.dtype) && gate.dtype === up.dtype) {
    return new Tensor(native.cpuGated(gate.handle, up.handle, 0));
  }
  return silu(gate).multiply(up);
}

/** logsumexp(logits) − logits[target]: logits [..., V], targets [...] integers → [...]. */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return new Tensor(native.crossEntropy(logits.handle, targets.handle));
}
