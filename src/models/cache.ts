import type { KeyValueStore } from "../core/head-attention.ts";
import type { Quantization } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { KeyValueBuffers } from "./key-value-buffers.ts";

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
  readonly #tokens = new KeyValueBuffers();
  #offset = 0;

  get offset(): number {
    return this.#offset;
  }
  get state(): readonly Tensor[] {
    return this.#tokens.state;
  }
  get nbytes(): number {
    return this.#tokens.nbytes;
  }
  get isPacked(): boolean {
    return this.#tokens.isPacked;
  }
  get inPlace(): boolean {
    return !this.isPacked;
  }

  append(k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    this.reserve(k);
    this.#tokens.write(k, v, this.#offset);
    this.#offset += k.dim(2);
    return this.read();
  }

  /** All so far: [B, K, S, E] each. */
  read(): [keys: Tensor, values: Tensor] {
    return this.#tokens.read(0, this.#offset);
  }

  reserve(like: Pick<Tensor, "shape" | "dtype">): readonly Tensor[] {
    this.#tokens.reserve(like, Math.ceil((this.#offset + (like.shape[2] ?? 0)) / KVCache.step) * KVCache.step);
    return this.state;
  }

  replace(keys: Tensor, values: Tensor, length: number): void {
    this.#tokens.replace([keys, values]);
    this.#offset += length;
  }

  pack(quantization: Quantization): void {
    this.#tokens.pack(quantization, this.#offset);
  }

  canTrim(): boolean {
    return true;
  }

  trim(count: number): void {
    this.#offset = Math.max(0, this.#offset - count);
  }

  dispose(): void {
    this.#tokens.dispose();
    this.#offset = 0;
  }
}
