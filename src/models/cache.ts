import { concatenate, sliceUpdate, zeros } from "../core/ops.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";

// B batch · K key/value heads · L new tokens · S tokens so far · E head size

/**
 * The keys and values of the tokens so far, for one layer. The buffers grow by `step` tokens at a time, and new tokens
 * are written in place. The cache owns its buffers: `dispose` frees them.
 */
export class KVCache {
  static readonly step = 256;
  #keys: Tensor | undefined;
  #values: Tensor | undefined;
  #offset = 0;

  /** Tokens stored. */
  get offset(): number {
    return this.#offset;
  }

  /** The buffers, to evaluate with the step that wrote them. */
  get state(): Tensor[] {
    return this.#keys && this.#values ? [this.#keys, this.#values] : [];
  }

  /** Stores k, v: [B, K, L, E] and returns all so far: [B, K, S, E]. */
  append(k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    const start = this.#offset;
    this.#offset += k.dim(2);
    const keys = grown(this.#keys, k, this.#offset);
    const values = grown(this.#values, v, this.#offset);
    this.#keys = replaced(this.#keys, sliceUpdate(keys, k, [0, 0, start, 0]));
    this.#values = replaced(this.#values, sliceUpdate(values, v, [0, 0, start, 0]));
    return [this.#keys.slice(2, 0, this.#offset), this.#values.slice(2, 0, this.#offset)];
  }

  /** Forgets the last `count` tokens. */
  trim(count: number): void {
    this.#offset = Math.max(0, this.#offset - count);
  }

  dispose(): void {
    for (const buffer of this.state) buffer.dispose();
    this.#keys = undefined;
    this.#values = undefined;
    this.#offset = 0;
  }
}

/** `buffer`, or one with room for `length` tokens that begins with it. */
function grown(buffer: Tensor | undefined, like: Tensor, length: number): Tensor {
  const [batch = 0, heads = 0, , size = 0] = like.shape;
  const room = Math.ceil(length / KVCache.step) * KVCache.step;
  const capacity = buffer?.dim(2) ?? 0;
  if (buffer && room <= capacity) return buffer;
  const fresh = zeros([batch, heads, room - capacity, size], like.dtype);
  return buffer ? concatenate([buffer, fresh], 2) : fresh;
}

// The old handle goes before evaluation, or MLX could not write in place.
function replaced(previous: Tensor | undefined, next: Tensor): Tensor {
  keep(next);
  previous?.dispose();
  return next;
}
