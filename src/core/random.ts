import { native } from "../native/binding.ts";
import { type DType, dtypeIndex } from "./dtype.ts";
import { keep } from "./scope.ts";
import { Tensor } from "./tensor.ts";

// MLX's counter-based generator (Threefry, Salmon et al. 2011). Draws without a key take the next of this thread's
// sequence, which gives the keys of MLX's own for the same seed and whose state can be saved.

let sequence: Tensor | undefined;

/** Starts this thread's sequence. */
export function seed(value: number): void {
  setState(key(value));
}

/** The state of this thread's sequence, uint32 [2]: evaluate it with each step, or its graph grows. */
export function state(): Tensor {
  if (!sequence) seed(Date.now());
  return sequence ?? key(0);
}

/** Continues a sequence from a state, which this takes over. */
export function setState(next: Tensor): void {
  sequence?.dispose();
  sequence = keep(next);
}

/** A key: uint32 [2]. The same key gives the same draw. */
export function key(value: number): Tensor {
  return new Tensor(native.randomKey(value));
}

/** The next key of this thread's sequence. */
export function nextKey(): Tensor {
  const [next, drawn] = splitKey(state());
  setState(next);
  return drawn;
}

/** Two keys whose draws have nothing to do with each other: the sequence's next state, and one to draw with. */
function splitKey(from: Tensor): [next: Tensor, drawn: Tensor] {
  const both = native.randomSplit(from.handle, 2);
  const [next, drawn] = native.split(both, 2, 0).map((row) => {
    const flat = native.reshape(row, [2]);
    native.free(row);
    return new Tensor(flat);
  });
  native.free(both);
  if (!next || !drawn) throw new Error("a key splits into two");
  return [next, drawn];
}

/** A sequence beside this thread's, for one text among several: the same seed gives the same keys as `seed` and `nextKey`. From another it goes on as that would. */
export class Sequence {
  #state: Tensor;

  constructor(start: number | Sequence) {
    this.#state = keep(typeof start === "number" ? key(start) : start.state.reshape(2));
  }

  /** Evaluate it with each step, or its graph grows. */
  get state(): Tensor {
    return this.#state;
  }

  nextKey(): Tensor {
    const [next, drawn] = splitKey(this.#state);
    this.#state.dispose();
    this.#state = keep(next);
    return drawn;
  }

  dispose(): void {
    this.#state.dispose();
  }
}

/** Runs `body` with a sequence of its own that begins at `start`; this thread's goes on as if nothing had been drawn. */
export function withSequence<T>(start: Tensor, body: () => T): T {
  const outer = sequence;
  sequence = keep(start);
  try {
    return body();
  } finally {
    sequence.dispose();
    sequence = outer;
  }
}

/** Uniform 32-bit words, uint32. */
export function bits(shape: readonly number[], key: Tensor = nextKey()): Tensor {
  return new Tensor(native.randomBits(shape, 4, key.handle));
}

/** Draws in [low, high). */
export function uniform(
  shape: readonly number[],
  {
    low = 0,
    high = 1,
    dtype = "float32",
    key = nextKey(),
  }: { low?: number; high?: number; dtype?: DType; key?: Tensor } = {},
): Tensor {
  return new Tensor(native.randomUniform(low, high, shape, dtypeIndex(dtype), key.handle));
}

export function normal(
  shape: readonly number[],
  {
    mean = 0,
    deviation = 1,
    dtype = "float32",
    key = nextKey(),
  }: { mean?: number; deviation?: number; dtype?: DType; key?: Tensor } = {},
): Tensor {
  return new Tensor(native.randomNormal(shape, dtypeIndex(dtype), mean, deviation, key.handle));
}

/** True with probability `p`. */
export function bernoulli(p: number, shape: readonly number[], key: Tensor = nextKey()): Tensor {
  return new Tensor(native.randomBernoulli(p, shape, key.handle));
}

/** An index of `axis` drawn with probability softmax(logits). */
export function categorical(logits: Tensor, axis = -1, key: Tensor = nextKey()): Tensor {
  return new Tensor(native.randomCategorical(logits.handle, axis, key.handle));
}
