import { arange, type Quantization } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { type Cache, KVCache } from "./cache.ts";
import { KeyValueBuffers } from "./key-value-buffers.ts";

export interface RotatingOptions {
  /** Tokens that are kept at most. */
  maxSize: number;
  /** Of these, so many from the beginning: without them answers fall apart. Xiao et al. 2023, arXiv:2309.17453. */
  keep?: number;
}

/**
 * The keys and values of the first few and the latest tokens, for one layer: memory stays bounded, however long the text. A
 * single token takes the place of the oldest; several at once are put behind the rest, so that each still sees the full size.
 */
export class RotatingKVCache implements Cache {
  readonly inPlace = false;
  readonly #maxSize: number;
  readonly #keep: number;
  readonly #tokens = new KeyValueBuffers();
  #offset = 0; // tokens ever seen
  #length = 0; // tokens held
  #next = 0; // where the next single token goes

  constructor({ maxSize, keep = 4 }: RotatingOptions) {
    this.#maxSize = maxSize;
    this.#keep = Math.min(keep, maxSize - 1);
  }

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

  append(k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    const count = k.dim(2);
    if (count === 1) this.#makePlace();
    else this.#putInOrder(this.#maxSize - 1);
    const room = Math.max(this.#next + count, Math.min(this.#maxSize, this.#rounded(this.#next + count)));
    this.#tokens.reserve(k, room);
    this.#tokens.write(k, v, this.#next);
    this.#next += count;
    this.#length = Math.max(this.#length, this.#next);
    this.#offset += count;
    return this.#tokens.read(0, this.#length);
  }

  /** The first few tokens and the latest, however many come at once; for a single one all that is kept are these. */
  seen(length: number, keys: number): Tensor | undefined {
    if (length === 1 || keys <= this.#maxSize) return undefined;
    const query = arange(keys - length, keys).reshape(length, 1);
    const key = arange(0, keys);
    const latest = key.greater(query.subtract(this.#maxSize - this.#keep));
    return latest.logicalOr(key.less(this.#keep)).logicalAnd(key.lessEqual(query));
  }

  pack(quantization: Quantization): void {
    this.#tokens.pack(quantization, this.#length);
  }

  canTrim(count: number): boolean {
    return this.#offset === this.#length && count <= this.#length;
  }

  trim(count: number): void {
    if (!this.canTrim(count)) throw new Error("tokens that were overwritten do not come back");
    this.#offset -= count;
    this.#length -= count;
    this.#next = this.#length;
  }

  dispose(): void {
    this.#tokens.dispose();
    this.#offset = 0;
    this.#length = 0;
    this.#next = 0;
  }

  /** `next` points at a place that a single token may take. */
  #makePlace(): void {
    if (this.#length > this.#maxSize) this.#putInOrder(this.#maxSize);
    if (this.#next >= this.#maxSize) this.#next = this.#keep;
  }

  /** The first few and the latest tokens, at most `most` together, in the order in which they came. */
  #putInOrder(most: number): void {
    const [keep, next, length] = [this.#keep, this.#next, this.#length];
    const wrapped = next < length;
    const drop = Math.max(0, length - most);
    if (!wrapped && drop === 0) return;
    const ranges: [number, number][] = wrapped
      ? [
          [0, keep],
          [next + Math.min(drop, length - next), length],
          [keep + Math.max(0, drop - (length - next)), next],
        ]
      : [
          [0, keep],
          [keep + drop, length],
        ];
    this.#tokens.select(ranges);
    this.#length = length - drop;
    this.#next = this.#length;
  }

  #rounded(tokens: number): number {
    return Math.ceil(tokens / KVCache.step) * KVCache.step;
  }
}
