import type { KeyValueStore } from "../core/head-attention.ts";
import type { Quantization } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { TokenBuffer } from "./token-buffer.ts";

// B batch · K key/value heads · L new tokens · S tokens so far · E head size

/** What a model's layer keeps of the tokens so far. */
export interface Cache extends KeyValueStore {
  /** Its tensors, to evaluate with the step that wrote them. */
  readonly state: readonly Tensor[];
  readonly nbytes: number;
  readonly isPacked: boolean;
  /** From here on keys and values are packed, those that are there too. */
  pack(quantization: Quantization): void;
  /** Whether the last `count` tokens can be forgotten. */
  canTrim(count: number): boolean;
  trim(count: number): void;
  dispose(): void;
}

/**
 * The keys and values of all tokens so far, for one layer, as they come or packed. The buffers grow by `step` tokens at a time,
 * and new tokens are written in place.
 */
export class KVCache implements Cache {
  static readonly step = 256;
  readonly #keys = new TokenBuffer();
  readonly #values = new TokenBuffer();
  #offset = 0;

  get offset(): number {
    return this.#offset;
  }
  get state(): readonly Tensor[] {
    return [...this.#keys.state, ...this.#values.state];
  }
  get nbytes(): number {
    return this.#keys.nbytes + this.#values.nbytes;
  }
  get isPacked(): boolean {
    return this.#keys.isPacked;
  }
  get inPlace(): boolean {
    return !this.isPacked;
  }

  append(k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    this.reserve(k);
    this.#keys.write(k, this.#offset);
    this.#values.write(v, this.#offset);
    this.#offset += k.dim(2);
    return this.read();
  }

  /** All so far: [B, K, S, E] each. */
  read(): [keys: Tensor, values: Tensor] {
    return [this.#keys.read(0, this.#offset), this.#values.read(0, this.#offset)];
  }

  reserve(like: Pick<Tensor, "shape" | "dtype">): readonly Tensor[] {
    const room = Math.ceil((this.#offset + (like.shape[2] ?? 0)) / KVCache.step) * KVCache.step;
    this.#keys.reserve(like, room);
    this.#values.reserve(like, room);
    return this.state;
  }

  replace(keys: Tensor, values: Tensor, length: number): void {
    this.#keys.replace([keys]);
    this.#values.replace([values]);
    this.#offset += length;
  }

  pack(quantization: Quantization): void {
    this.#keys.pack(quantization, this.#offset);
    this.#values.pack(quantization, this.#offset);
  }

  canTrim(): boolean {
    return true;
  }

  trim(count: number): void {
    this.#offset = Math.max(0, this.#offset - count);
  }

  dispose(): void {
    this.#keys.dispose();
    this.#values.dispose();
    this.#offset = 0;
  }
}
