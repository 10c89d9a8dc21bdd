import { type BlockType, blockTypes } from "../../core/blocks.ts";

/** Rows that are encoded or decoded at a time have so many elements at most. */
export const slabElements = 2 ** 24;

/** Bytes of a tensor in a file; a fraction where its rows are not of whole blocks. */
export function bytesOf(type: BlockType, shape: readonly number[]): number {
  const { elements, bytes } = blockTypes[type];
  return (shape.reduce((product, size) => product * size, 1) / elements) * bytes;
}

export function isBlockType(name: string | undefined): name is BlockType {
  return name !== undefined && Object.hasOwn(blockTypes, name);
}
