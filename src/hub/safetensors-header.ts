import { closeSync, openSync, readSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../protocol/user-error.ts";

const TensorEntry = z.object({
  dtype: z.string(),
  shape: z.array(z.int()),
  data_offsets: z.tuple([z.number(), z.number()]),
});
export type TensorEntry = z.output<typeof TensorEntry>;

/** Tensors of a safetensors file by name, without their values. */
export type SafetensorsHeader = Record<string, TensorEntry>;

/** Most headers fit; a longer one takes a second request. */
const firstBytes = 131_072;
/** What the format's own reader accepts. */
const maxHeaderBytes = 100_000_000;

/** Reads a header through `bytes`, which gives a part of the file: a local one, or one on a hub, by range. */
export async function readHeader(
  source: string,
  bytes: (start: number, length: number) => Promise<Buffer> | Buffer,
): Promise<SafetensorsHeader> {
  const first = await bytes(0, firstBytes);
  const length = first.length >= 8 ? Number(first.readBigUInt64LE()) : Number.NaN;
  if (!(length <= maxHeaderBytes)) throw unreadable(source, "it does not begin with the length of a header");
  const text = length + 8 <= first.length ? first.subarray(8, 8 + length) : await bytes(8, length);
  try {
    const { __metadata__: _text, ...tensors } = z.record(z.string(), z.unknown()).parse(JSON.parse(text.toString()));
    return z.record(z.string(), TensorEntry).parse(tensors);
  } catch (error) {
    throw unreadable(source, error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

/** A part of a file on this machine. */
export function readBytes(path: string, start: number, length: number): Buffer {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, start));
  } finally {
    closeSync(file);
  }
}

function unreadable(path: string, reason: string): UserError {
  return new UserError("file/unreadable-safetensors", { path, reason });
}
