import type { KeyValueStore } from "../core/head-attention.ts";
import { concatenate, integers, zeros } from "../core/ops.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { KVCache } from "./cache.ts";

// B rows · K key/value heads · S tokens of the longest row · E head size

/** The caches of several texts as one, for one layer: each row's tokens stand at the end, so that new ones line up. */
export class BatchKVCache implements KeyValueStore {
  readonly inPlace = true;
  readonly #tokens = new KVCache();
  #starts: Tensor;

  /** Copies the tokens of caches of one row each; call it in a scope. */
  constructor(rows: readonly KVCache[]) {
    const length = Math.max(...rows.map(({ offset }) => offset));
    const [keys, values] = [0, 1].map((i) =>
      concatenate(
        rows.map((row) => padded(row.read()[i], length)),
        0,
      ),
    );
    if (!keys || !values) throw new Error("a row has keys and values");
    this.#tokens.replace(keys, values, length);
    this.#starts = keep(integers(rows.map(({ offset }) => length - offset)));
  }

  get offset(): number {
    return this.#tokens.offset;
  }
  get starts(): Tensor {
    return this.#starts;
  }
  get state(): readonly Tensor[] {
    return this.#tokens.state;
  }

  append(k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    return this.#tokens.append(k, v);
  }
  reserve(like: Pick<Tensor, "shape" | "dtype">): readonly Tensor[] {
    return this.#tokens.reserve(like);
  }
  replace(keys: Tensor, values: Tensor, length: number): void {
    this.#tokens.replace(keys, values, length);
  }

  /** Only these rows stay, in this order; call it in a scope. */
  keepRows(rows: readonly number[]): void {
    const index = integers(rows);
    const [keys, values] = this.state.map((buffer) => buffer.take(index, 0));
    if (keys && values) this.#tokens.replace(keys, values, 0);
    const starts = keep(this.#starts.take(index, 0));
    this.#starts.dispose();
    this.#starts = starts;
  }

  dispose(): void {
    this.#tokens.dispose();
    this.#starts.dispose();
  }
}

/** x [1, K, L, E] behind zeros, [1, K, length, E]. */
function padded(x: Tensor | undefined, length: number): Tensor {
  if (!x) throw new Error("a row has keys and values");
  const [, heads = 0, tokens = 0, size = 0] = x.shape;
  return tokens < length ? concatenate([zeros([1, heads, length - tokens, size], x.dtype), x], 2) : x;
}
