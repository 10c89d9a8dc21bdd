import type { KeyValueStore } from "../core/head-attention.ts";
import { concatenate, sliceUpdate, zeros } from "../core/ops.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";

// B batch · K key/value heads · L new tokens · S tokens so far · E head size

/**
 * The keys and values of the tokens so far, for one layer. The buffers grow by `step` tokens at a time, and new tokens
 * are written in place. The cache owns its buffers: `dispose` frees them.
 */
export class KVCache implements KeyValueStore {
  static readonly step = 256;
  #keys: Tensor | undefined;
  #values: Tensor | undefined;
  #capacity = 0; // tokens that the buffers have room for
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
    const start = [0, 0, this.#offset, 0];
    const [keys, values] = this.reserve(k);
    const [nextKeys, nextValues] = [sliceUpdate(keys, k, start), sliceUpdate(values, v, start)];
    this.replace(nextKeys, nextValues, k.dim(2));
    return [nextKeys.slice(2, 0, this.#offset), nextValues.slice(2, 0, this.#offset)];
  }

  /** The buffers, with room for new tokens. like: [B, K, L, E] */
  reserve(like: Pick<Tensor, "shape" | "dtype">): [keys: Tensor, values: Tensor] {
    const { shape, dtype } = like;
    const [batch = 0, heads = 0, length = 0, size = 0] = shape;
    const room = Math.ceil((this.#offset + length) / KVCache.step) * KVCache.step;
    if (!this.#keys || !this.#values || room > this.#capacity) {
      const fresh = (): Tensor => zeros([batch, heads, room - this.#capacity, size], dtype);
      this.#keys = replaced(this.#keys, longer(this.#keys, fresh()));
      this.#values = replaced(this.#values, longer(this.#values, fresh()));
      this.#capacity = room;
    }
    return [this.#keys, this.#values];
  }

  /** Takes these, with `length` more tokens in them, in the place of the buffers. */
  replace(keys: Tensor, values: Tensor, length: number): void {
    this.#keys = replaced(this.#keys, keys);
    this.#values = replaced(this.#values, values);
    this.#offset += length;
  }

  /** Forgets the last `count` tokens. */
  trim(count: number): void {
    this.#offset = Math.max(0, this.#offset - count);
  }

  dispose(): void {
    for (const buffer of this.state) buffer.dispose();
    this.#keys = undefined;
    this.#values = undefined;
    this.#capacity = 0;
    this.#offset = 0;
  }
}

function longer(buffer: Tensor | undefined, by: Tensor): Tensor {
  return buffer ? concatenate([buffer, by], 2) : by;
}

// The old handle goes before evaluation, or MLX could not write in place.
function replaced(previous: Tensor | undefined, next: Tensor): Tensor {
  keep(next);
  previous?.dispose();
  return next;
}
