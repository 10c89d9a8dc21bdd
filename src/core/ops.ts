import { native } from "../native/binding.ts";
import { type DType, dtypeIndex } from "./dtype.ts";
import { Tensor } from "./tensor.ts";

// What MLX's Python writes as `mx.f(...)`. Each function says the shapes; without a word, dtype in is dtype out.

type Values = Int8Array | Uint8Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** Copies host values into a tensor of the typed array's dtype; a plain list becomes float32. */
export function tensor(values: Values | readonly number[], shape: readonly number[] = [values.length]): Tensor {
  const data = ArrayBuffer.isView(values) ? values : Float32Array.from(values);
  return new Tensor(native.fromTypedArray(data, shape));
}

/** Integers as int32, for token ids and indices. */
export function integers(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return new Tensor(native.fromTypedArray(Int32Array.from(values), shape));
}

export function scalar(value: number, dtype: DType = "float32"): Tensor {
  return new Tensor(native.scalar(value, dtypeIndex(dtype)));
}
export function zeros(shape: readonly number[], dtype: DType = "float32"): Tensor {
  return new Tensor(native.zeros(shape, dtypeIndex(dtype)));
}
export function ones(shape: readonly number[], dtype: DType = "float32"): Tensor {
  return new Tensor(native.ones(shape, dtypeIndex(dtype)));
}
export function full(shape: readonly number[], value: number, dtype: DType = "float32"): Tensor {
  return new Tensor(native.full(shape, value, dtypeIndex(dtype)));
}
export function zerosLike(x: Tensor): Tensor {
  return new Tensor(native.zerosLike(x.handle));
}
/** [start, start + step, …) up to `stop`, exclusive. */
export function arange(start: number, stop: number, step = 1, dtype: DType = "int32"): Tensor {
  return new Tensor(native.arange(start, stop, step, dtypeIndex(dtype)));
}

export function sigmoid(x: Tensor): Tensor {
  return new Tensor(native.sigmoid(x.handle));
}
/** x · sigmoid(x), the activation of SwiGLU. Elfwing et al. 2017, arXiv:1702.03118. */
export function silu(x: Tensor): Tensor {
  return x.multiply(sigmoid(x));
}
export function tanh(x: Tensor): Tensor {
  return new Tensor(native.tanh(x.handle));
}
export function rsqrt(x: Tensor): Tensor {
  return new Tensor(native.rsqrt(x.handle));
}
export function isfinite(x: Tensor): Tensor {
  return new Tensor(native.isfinite(x.handle));
}
/** x, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return new Tensor(native.stopGradient(x.handle));
}
/** x where `condition` holds, y elsewhere, broadcast against each other. */
export function where(condition: Tensor, x: Tensor, y: Tensor): Tensor {
  return new Tensor(native.where(condition.handle, x.handle, y.handle));
}

export function softmax(x: Tensor, axis = -1, { precise = false } = {}): Tensor {
  return new Tensor(native.softmax(x.handle, [axis], precise));
}
export function cumsum(x: Tensor, axis: number, { reverse = false, inclusive = true } = {}): Tensor {
  return new Tensor(native.cumsum(x.handle, axis, reverse, inclusive));
}
/** Ascending. */
export function sort(x: Tensor, axis = -1): Tensor {
  return new Tensor(native.sort(x.handle, axis));
}
/** Indices that sort ascending. */
export function argsort(x: Tensor, axis = -1): Tensor {
  return new Tensor(native.argsort(x.handle, axis));
}
/** Indices such that the element at `kth` is in its sorted place, smaller ones before it. */
export function argpartition(x: Tensor, kth: number, axis = -1): Tensor {
  return new Tensor(native.argpartition(x.handle, kth, axis));
}
/** The k greatest values along `axis`, in no order. */
export function topk(x: Tensor, k: number, axis = -1): Tensor {
  return new Tensor(native.topk(x.handle, k, axis));
}

export function concatenate(tensors: readonly Tensor[], axis: number): Tensor {
  return new Tensor(native.concatenate(handles(tensors), axis));
}
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return new Tensor(native.stack(handles(tensors), axis));
}
/** Equal parts of one axis. */
export function split(x: Tensor, parts: number, axis: number): Tensor[] {
  return native.split(x.handle, parts, axis).map((handle) => new Tensor(handle));
}
/** x with `update` written over the box that begins at `start`. */
export function sliceUpdate(x: Tensor, update: Tensor, start: readonly number[]): Tensor {
  const size = update.shape;
  const stop = start.map((from, i) => from + (size[i] ?? 0));
  return new Tensor(native.sliceUpdate(x.handle, update.handle, start, stop));
}
export function takeAlongAxis(x: Tensor, indices: Tensor, axis: number): Tensor {
  return new Tensor(native.takeAlongAxis(x.handle, indices.handle, axis));
}
export function putAlongAxis(x: Tensor, indices: Tensor, values: Tensor, axis: number): Tensor {
  return new Tensor(native.putAlongAxis(x.handle, indices.handle, values.handle, axis));
}

/** beta · c + alpha · a b. */
export function addmm(c: Tensor, a: Tensor, b: Tensor, alpha = 1, beta = 1): Tensor {
  return new Tensor(native.addmm(c.handle, a.handle, b.handle, alpha, beta));
}

/** How a weight is packed: `affine` holds bits-wide integers with a scale and a bias for each group of columns. */
export interface Quantization {
  group_size: number;
  bits: number;
  mode: string;
}

/** Packs w [out, in] along its last axis → weight [out, in · bits / 32] uint32, scales [out, in / group_size], biases. */
export function quantize(w: Tensor, { group_size, bits, mode }: Quantization): Tensor[] {
  return native.quantize(w.handle, group_size, bits, mode).map((handle) => new Tensor(handle));
}

export interface QuantizedWeight {
  weight: Tensor;
  scales: Tensor;
  biases: Tensor | undefined;
}

/** The inverse of `quantize`, in `dtype` or the dtype of the scales. */
export function dequantize(packed: QuantizedWeight, { group_size, bits, mode }: Quantization, dtype?: DType): Tensor {
  const { weight, scales, biases } = packed;
  return new Tensor(
    native.dequantize(weight.handle, scales.handle, biases?.handle, group_size, bits, mode, dtype && dtypeIndex(dtype)),
  );
}

/** x · wᵀ for a packed w: [..., in] → [..., out]. */
export function quantizedMatmul(x: Tensor, packed: QuantizedWeight, { group_size, bits, mode }: Quantization): Tensor {
  const { weight, scales, biases } = packed;
  return new Tensor(
    native.quantizedMatmul(x.handle, weight.handle, scales.handle, biases?.handle, true, group_size, bits, mode),
  );
}

/**
 * x [T, m, 1, in] · w [experts, in, out], the expert of each by `indices` [T, n], m = n or 1 → [T, n, 1, out]. Or, with
 * `sorted` indices, which must ascend, x [T, 1, in] and indices [T] → [T, 1, out].
 */
export function gatherMm(x: Tensor, w: Tensor, indices: Tensor, { sorted = false } = {}): Tensor {
  return new Tensor(native.gatherMm(x.handle, w.handle, undefined, indices.handle, sorted));
}

/** The same for wᵀ, w [experts, out, in] packed. */
export function gatherQmm(
  x: Tensor,
  packed: QuantizedWeight,
  indices: Tensor,
  { group_size, bits, mode }: Quantization,
  { sorted = false } = {},
): Tensor {
  const { weight, scales, biases } = packed;
  const operands = [weight.handle, scales.handle, biases?.handle] as const;
  return new Tensor(
    native.gatherQmm(x.handle, ...operands, undefined, indices.handle, true, group_size, bits, mode, sorted),
  );
}

export function handles(tensors: readonly Tensor[]): number[] {
  return tensors.map((each) => each.handle);
}
