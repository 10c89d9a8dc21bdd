import { type BinaryOp, type Handle, native, type ReductionOp } from "../native/binding.ts";
import { type DType, dtypeIndex, dtypes } from "./dtype.ts";
import { born, release } from "./lifetime.ts";

type Axes = number | readonly number[];
type Operand = Tensor | number;

/**
 * A lazy n-dimensional array of MLX. Methods read like MLX's Python operators and build a graph; `eval`, `item` and
 * `toArray` compute it. A number beside a tensor takes the tensor's dtype.
 *
 * Scopes free tensors (see `scope`); using a freed one throws "tensor is already freed".
 */
export class Tensor {
  constructor(readonly handle: Handle) {
    born(this, handle);
  }

  get shape(): number[] {
    return native.shape(this.handle);
  }
  get ndim(): number {
    return this.shape.length;
  }
  get size(): number {
    return native.size(this.handle);
  }
  get nbytes(): number {
    return native.nbytes(this.handle);
  }
  get dtype(): DType {
    return dtypes[native.dtype(this.handle)] ?? "float32";
  }

  /** Size of dimension `axis`; negative axes count from the end. */
  dim(axis: number): number {
    const size = this.shape.at(axis);
    if (size === undefined) throw new RangeError(`a tensor of shape [${this.shape}] has no axis ${axis}`);
    return size;
  }

  /** Frees the tensor now instead of at the end of its scope. */
  dispose(): void {
    release(this, this.handle);
  }

  // Reading: these evaluate.

  /** The value of a tensor of one element. */
  item(): number {
    return native.item(this.handle);
  }

  /** All values in row-major order. 64-bit integers lose precision above 2^53. */
  toArray(): number[] {
    return Array.from(native.toTypedArray(this.handle), Number);
  }

  /** All values in row-major order as float32. */
  toFloat32(): Float32Array {
    const data = native.toTypedArray(this.astype("float32").handle);
    return data instanceof Float32Array ? data : Float32Array.from(data, Number);
  }

  /** The bytes in memory, row-major, in the tensor's own dtype. */
  toBytes(): Uint8Array {
    return native.toBytes(this.handle);
  }

  // Arithmetic and comparison, with broadcasting.

  add(other: Operand): Tensor {
    return binary("add", this, other);
  }
  subtract(other: Operand): Tensor {
    return binary("subtract", this, other);
  }
  multiply(other: Operand): Tensor {
    return binary("multiply", this, other);
  }
  divide(other: Operand): Tensor {
    return binary("divide", this, other);
  }
  floorDivide(other: Operand): Tensor {
    return binary("floorDivide", this, other);
  }
  remainder(other: Operand): Tensor {
    return binary("remainder", this, other);
  }
  power(other: Operand): Tensor {
    return binary("power", this, other);
  }
  maximum(other: Operand): Tensor {
    return binary("maximum", this, other);
  }
  minimum(other: Operand): Tensor {
    return binary("minimum", this, other);
  }
  equal(other: Operand): Tensor {
    return binary("equal", this, other);
  }
  notEqual(other: Operand): Tensor {
    return binary("notEqual", this, other);
  }
  less(other: Operand): Tensor {
    return binary("less", this, other);
  }
  lessEqual(other: Operand): Tensor {
    return binary("lessEqual", this, other);
  }
  greater(other: Operand): Tensor {
    return binary("greater", this, other);
  }
  greaterEqual(other: Operand): Tensor {
    return binary("greaterEqual", this, other);
  }
  logicalAnd(other: Operand): Tensor {
    return binary("logicalAnd", this, other);
  }
  logicalOr(other: Operand): Tensor {
    return binary("logicalOr", this, other);
  }
  negative(): Tensor {
    return new Tensor(native.negative(this.handle));
  }
  square(): Tensor {
    return new Tensor(native.square(this.handle));
  }
  sqrt(): Tensor {
    return new Tensor(native.sqrt(this.handle));
  }
  abs(): Tensor {
    return new Tensor(native.abs(this.handle));
  }
  exp(): Tensor {
    return new Tensor(native.exp(this.handle));
  }
  log(): Tensor {
    return new Tensor(native.log(this.handle));
  }

  /** Matrix product over the last two axes, batched over the others: [..., M, K] · [..., K, N] → [..., M, N]. */
  matmul(other: Tensor): Tensor {
    return new Tensor(native.matmul(this.handle, other.handle));
  }

  // Reductions: over `axes`, or over everything.

  sum(axes?: Axes, keepdims = false): Tensor {
    return reduction("sum", this, axes, keepdims);
  }
  mean(axes?: Axes, keepdims = false): Tensor {
    return reduction("mean", this, axes, keepdims);
  }
  max(axes?: Axes, keepdims = false): Tensor {
    return reduction("max", this, axes, keepdims);
  }
  min(axes?: Axes, keepdims = false): Tensor {
    return reduction("min", this, axes, keepdims);
  }
  all(axes?: Axes, keepdims = false): Tensor {
    return reduction("all", this, axes, keepdims);
  }
  any(axes?: Axes, keepdims = false): Tensor {
    return reduction("any", this, axes, keepdims);
  }
  logsumexp(axes?: Axes, keepdims = false): Tensor {
    return reduction("logsumexp", this, axes, keepdims);
  }
  argmax(axis: number, keepdims = false): Tensor {
    return new Tensor(native.argmax(this.handle, axis, keepdims));
  }

  // Shape.

  astype(dtype: DType): Tensor {
    return new Tensor(native.astype(this.handle, dtypeIndex(dtype)));
  }
  /** One dimension may be -1: it takes what is left. */
  reshape(...shape: number[]): Tensor {
    return new Tensor(native.reshape(this.handle, shape));
  }
  /** Permutes the axes; reverses them when none are given. */
  transpose(...axes: number[]): Tensor {
    return new Tensor(native.transpose(this.handle, axes.length > 0 ? axes : undefined));
  }
  swapaxes(a: number, b: number): Tensor {
    return new Tensor(native.swapaxes(this.handle, a, b));
  }
  expandDims(...axes: number[]): Tensor {
    return new Tensor(native.expandDims(this.handle, axes));
  }
  squeeze(...axes: number[]): Tensor {
    return new Tensor(native.squeeze(this.handle, axes.length > 0 ? axes : undefined));
  }
  flatten(start = 0, end = -1): Tensor {
    return new Tensor(native.flatten(this.handle, start, end));
  }
  broadcastTo(...shape: number[]): Tensor {
    return new Tensor(native.broadcastTo(this.handle, shape));
  }

  /** Elements `start` (inclusive) to `stop` (exclusive) of one axis; negative positions count from the end, as in an array. */
  slice(axis: number, start: number, stop?: number): Tensor {
    const { shape } = this;
    const size = this.dim(axis);
    const at = axis < 0 ? axis + shape.length : axis;
    const within = (position: number) => Math.min(size, Math.max(0, position < 0 ? position + size : position));
    const first = within(start);
    const from = shape.map((_, i) => (i === at ? first : 0));
    const to = shape.map((each, i) => (i === at ? Math.max(first, within(stop ?? size)) : each));
    return new Tensor(
      native.slice(
        this.handle,
        from,
        to,
        shape.map(() => 1),
      ),
    );
  }

  /** Element `index` of one axis, which disappears. */
  at(axis: number, index: number): Tensor {
    const size = this.dim(axis);
    const from = index < 0 ? index + size : index;
    if (from < 0 || from >= size) {
      throw new RangeError(`axis ${axis} of a tensor of shape [${this.shape}] has no position ${index}`);
    }
    return this.slice(axis, from, from + 1).squeeze(axis);
  }

  /** Rows of `axis` chosen by integer `indices`; their shape takes the axis's place. */
  take(indices: Tensor, axis: number): Tensor {
    return new Tensor(native.take(this.handle, indices.handle, axis));
  }
}

function binary(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  return new Tensor(typeof b === "number" ? native[`${op}Scalar`](a.handle, b) : native[op](a.handle, b.handle));
}

function reduction(op: ReductionOp, a: Tensor, axes: Axes | undefined, keepdims: boolean): Tensor {
  return new Tensor(native[op](a.handle, typeof axes === "number" ? [axes] : axes, keepdims));
}
