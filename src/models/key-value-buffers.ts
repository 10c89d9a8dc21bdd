import { concatenate, dequantize, type Quantization, quantize, sliceUpdate, zeros } from "../core/ops.ts";
import { keep } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { UserError } from "../protocol/user-error.ts";

// B batch · K key/value heads · L tokens · E head size

/** Keys and values of tokens, [B, K, capacity, E] each, as they come or packed. It owns its tensors; `dispose` frees them. */
export class KeyValueBuffers {
  #parts: Tensor[] = []; // keys, values; packed: weights, scales and biases of keys, then of values
  #quantization: Quantization | undefined;

  get isPacked(): boolean {
    return this.#quantization !== undefined;
  }

  /** Tokens that there is room for. */
  get capacity(): number {
    return this.#parts[0]?.dim(2) ?? 0;
  }

  /** Its tensors, to evaluate with the step that wrote them. */
  get state(): readonly Tensor[] {
    return this.#parts;
  }

  get nbytes(): number {
    return this.#parts.reduce((sum, { nbytes }) => sum + nbytes, 0);
  }

  /** Makes room for `capacity` tokens like x [B, K, L, E]. */
  reserve(x: Pick<Tensor, "shape" | "dtype">, capacity: number): void {
    const more = capacity - this.capacity;
    if (more <= 0) return;
    const [batch = 0, heads = 0, , size = 0] = x.shape;
    const room = () => zeros([batch, heads, more, size], x.dtype); // two, or neither could be written in place
    const parts = this.#encode([room(), room()]);
    this.replace(parts.map((part, i) => concatenate([...this.#parts.slice(i, i + 1), part], 2)));
  }

  /** Stores k, v [B, K, L, E] from token `at` on, where there is room. */
  write(k: Tensor, v: Tensor, at: number): void {
    const parts = this.#encode([k, v]);
    this.replace(this.#parts.map((part, i) => sliceUpdate(part, parts[i] ?? k, [0, 0, at, 0])));
  }

  /** Tokens [from, to) in floating point: [B, K, to − from, E] each. */
  read(from: number, to: number): [keys: Tensor, values: Tensor] {
    const parts = this.#parts.map((part) => part.slice(2, from, to));
    const half = parts.length / 2;
    return [this.#decode(parts.slice(0, half)), this.#decode(parts.slice(half))];
  }

  /** The tokens of these ranges, one after the other, in the place of all. */
  select(ranges: readonly (readonly [from: number, to: number])[]): void {
    const filled = ranges.filter(([from, to]) => from < to);
    this.replace(
      this.#parts.map((part) =>
        concatenate(
          filled.map(([from, to]) => part.slice(2, from, to)),
          2,
        ),
      ),
    );
  }

  /** From here on what is stored is packed, the first `length` tokens that are there too. */
  pack(quantization: Quantization, length: number): void {
    const { capacity } = this;
    const tokens = length > 0 ? this.read(0, length) : undefined;
    this.dispose();
    this.#quantization = quantization;
    if (!tokens) return;
    this.reserve(tokens[0], capacity);
    this.write(...tokens, 0);
  }

  /** Takes tensors in the place of its own. The old handles go before evaluation, or MLX could not write in place. */
  replace(parts: readonly Tensor[]): void {
    keep(parts);
    for (const part of this.#parts) part.dispose();
    this.#parts = [...parts];
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose();
    this.#parts = [];
  }

  #encode(tensors: readonly Tensor[]): Tensor[] {
    const quantization = this.#quantization;
    if (!quantization) return [...tensors];
    return tensors.flatMap((x) => {
      const { group_size } = quantization;
      if (x.dim(-1) % group_size !== 0) throw new UserError("cache/group-size", { size: x.dim(-1), group: group_size });
      return quantize(x, quantization);
    });
  }

  #decode([weight, scales, biases]: readonly Tensor[]): Tensor {
    if (!weight) throw new Error("nothing was stored");
    if (!this.#quantization || !scales) return weight;
    return dequantize({ weight, scales, biases }, this.#quantization, scales.dtype);
  }
}
