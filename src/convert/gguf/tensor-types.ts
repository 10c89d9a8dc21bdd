import { tensor } from "../../core/ops.ts";
import type { Tensor } from "../../core/tensor.ts";

/** The numbers that ggml gives its tensor types, with elements and bytes of a block. */
export const tensorTypes = {
  f32: { id: 0, elements: 1, bytes: 4 },
  f16: { id: 1, elements: 1, bytes: 2 },
  bf16: { id: 30, elements: 1, bytes: 2 },
} as const;
export type TensorType = keyof typeof tensorTypes;

const dtypes = { f32: "float32", f16: "float16", bf16: "bfloat16" } as const;

/** Rows that are encoded at a time have so many elements at most. */
export const slabElements = 2 ** 24;

export function bytesOf(type: TensorType, shape: readonly number[]): number {
  const { elements, bytes } = tensorTypes[type];
  return (shape.reduce((product, size) => product * size, 1) / elements) * bytes;
}

/** rows: [..., columns], computed here. → what a file of this type holds */
export function encodeRows(rows: Tensor, type: TensorType): Uint8Array {
  return rows.astype(dtypes[type]).toBytes();
}

/** What a file holds → float32 */
export function decodeRows(bytes: Uint8Array, type: TensorType, shape: readonly number[]): Tensor {
  return tensor(floats(bytes, type), shape);
}

function floats(bytes: Uint8Array, type: TensorType): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / tensorTypes[type].bytes;
  const at = {
    f32: (i: number) => view.getFloat32(4 * i, true),
    f16: (i: number) => halfToFloat(view.getUint16(2 * i, true)),
    bf16: (i: number) => bfloatToFloat(view.getUint16(2 * i, true)),
  }[type];
  return Float32Array.from({ length: count }, (_, i) => at(i));
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));
function bfloatToFloat(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
