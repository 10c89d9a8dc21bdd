import { native } from "../native/binding.ts";
import { UserError } from "../protocol/user-error.ts";
import { Tensor } from "./tensor.ts";

/**
 * ggml's types, as GGUF files have them: their number in the file, how many elements of a row make a block, and the bytes of
 * one. Plain floats are blocks of one element. Layouts: native/blocks/formats.h.
 */
export const blockTypes = {
  f32: { id: 0, elements: 1, bytes: 4 },
  f16: { id: 1, elements: 1, bytes: 2 },
  bf16: { id: 30, elements: 1, bytes: 2 },
  q4_0: { id: 2, elements: 32, bytes: 18 },
  q4_1: { id: 3, elements: 32, bytes: 20 },
  q5_0: { id: 6, elements: 32, bytes: 22 },
  q5_1: { id: 7, elements: 32, bytes: 24 },
  q8_0: { id: 8, elements: 32, bytes: 34 },
  q2_k: { id: 10, elements: 256, bytes: 84 },
  q3_k: { id: 11, elements: 256, bytes: 110 },
  q4_k: { id: 12, elements: 256, bytes: 144 },
  q5_k: { id: 13, elements: 256, bytes: 176 },
  q6_k: { id: 14, elements: 256, bytes: 210 },
  iq4_nl: { id: 20, elements: 32, bytes: 18 },
} as const;

export type BlockType = keyof typeof blockTypes;

const sources = ["float32", "bfloat16", "float16"];

/**
 * The bytes of a weight's blocks, row after row, equal to those that llama.cpp's quantizer writes for the same float32 values.
 *
 * @param weight [..., columns] of a floating dtype; columns are a multiple of the type's elements.
 * @param importance how much an error in each column matters (llama.cpp's importance matrix): finite, not negative. q8_0 and
 *   plain floats make no use of it.
 * @param name what messages call the weight.
 * @throws UserError where rows are not of whole blocks, a value is infinite or NaN, or one is too large for the type.
 */
export function quantizeBlocks(
  weight: Tensor,
  type: BlockType,
  importance?: Float32Array,
  name = "The weight",
): Uint8Array {
  const { id, elements } = blockTypes[type];
  const columns = weight.dim(-1);
  if (columns % elements !== 0) throw new UserError("blocks/columns", { name, type, columns, elements });
  if (importance) checkImportance(importance, columns);
  const source = sources.includes(weight.dtype) ? weight : weight.astype("float32");
  const blocks = native.quantizeBlocks(source.handle, id, importance);
  if (blocks instanceof Uint8Array) return blocks;
  const [reason, element] = blocks;
  const place = { name, row: Math.floor(element / columns), column: element % columns };
  if (reason === 1) throw new UserError("blocks/overflow", { ...place, type });
  const value = String(
    source
      .reshape(-1)
      .slice(0, element, element + 1)
      .astype("float32")
      .item(),
  );
  throw new UserError("blocks/not-finite", { ...place, value });
}

/** What blocks stand for: float32 of `shape`, equal to what llama.cpp computes with. Rows are of whole blocks. */
export function dequantizeBlocks(bytes: Uint8Array, type: BlockType, shape: readonly number[]): Tensor {
  const { id, elements } = blockTypes[type];
  const columns = shape.at(-1) ?? 1;
  const expected = (shape.reduce((product, size) => product * size, 1) / elements) * blockTypes[type].bytes;
  if (columns % elements !== 0) throw new RangeError(`rows of ${columns} are not of whole blocks of ${type}`);
  if (bytes.length !== expected) {
    throw new RangeError(`${type} of shape [${shape}] takes ${expected} bytes, these are ${bytes.length}`);
  }
  return new Tensor(native.dequantizeBlocks(bytes, id, shape));
}

function checkImportance(importance: Float32Array, columns: number): void {
  if (importance.length !== columns) {
    throw new RangeError(`an importance for each of ${columns} columns is needed, there are ${importance.length}`);
  }
  const bad = importance.findIndex((value) => !(value >= 0 && value < Number.POSITIVE_INFINITY));
  if (bad >= 0) throw new RangeError(`the importance of column ${bad} is ${importance[bad]}`);
}
