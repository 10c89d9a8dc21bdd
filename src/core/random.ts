import { native } from "../native/binding.ts";
import { type DType, dtypeIndex } from "./dtype.ts";
import { Tensor } from "./tensor.ts";

// MLX's counter-based generator (Threefry). Without a key a draw takes the next of this thread's sequence.

/** Starts this thread's sequence. */
export function seed(value: number): void {
  native.randomSeed(value);
}

/** A key: uint32 [2]. The same key gives the same draw. */
export function key(value: number): Tensor {
  return new Tensor(native.randomKey(value));
}

/** The next key of this thread's sequence. */
export function nextKey(): Tensor {
  return new Tensor(native.randomNextKey());
}

/** Draws in [low, high). */
export function uniform(
  shape: readonly number[],
  { low = 0, high = 1, dtype = "float32", key }: { low?: number; high?: number; dtype?: DType; key?: Tensor } = {},
): Tensor {
  return new Tensor(native.randomUniform(low, high, shape, dtypeIndex(dtype), key?.handle));
}

export function normal(
  shape: readonly number[],
  {
    mean = 0,
    deviation = 1,
    dtype = "float32",
    key,
  }: { mean?: number; deviation?: number; dtype?: DType; key?: Tensor } = {},
): Tensor {
  return new Tensor(native.randomNormal(shape, dtypeIndex(dtype), mean, deviation, key?.handle));
}

/** True with probability `p`. */
export function bernoulli(p: number, shape: readonly number[], key?: Tensor): Tensor {
  return new Tensor(native.randomBernoulli(p, shape, key?.handle));
}

/** An index of `axis` drawn with probability softmax(logits). */
export function categorical(logits: Tensor, axis = -1, key?: Tensor): Tensor {
  return new Tensor(native.randomCategorical(logits.handle, axis, key?.handle));
}
