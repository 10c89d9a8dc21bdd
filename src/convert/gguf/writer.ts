import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { type BlockType, blockTypes } from "../../core/blocks.ts";
import { discard, makeFolder, partSuffix } from "../../core/text-file.ts";
import { UserError } from "../../protocol/user-error.ts";
import {
  arrayCode,
  boolCode,
  type Metadata,
  type MetadataValue,
  type NumberType,
  numberTypes,
  stringCode,
} from "./metadata.ts";
import { bytesOf } from "./tensor-types.ts";

export const magic = "GGUF";
export const version = 3;
export const defaultAlignment = 32;

/** A tensor to write. */
export interface GgufTensor {
  name: string;
  /** Rows before columns, as elsewhere here; the file has them the other way round. */
  shape: readonly number[];
  type: BlockType;
  /** Its bytes, made when they are written. */
  pieces(): Iterable<Uint8Array>;
}

/** What one file holds. */
export interface GgufContent {
  path: string;
  metadata: Metadata;
  tensors: readonly GgufTensor[];
}

export interface WriteOptions {
  /** Told after each tensor. */
  onTensor?: ((tensor: GgufTensor) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Writes files beside their places and renames them, the first one last, since that is the one that is opened.
 * @throws UserError when that fails, and the signal's reason when it is aborted; what was there stays.
 */
export async function writeGgufFiles(files: readonly GgufContent[], options: WriteOptions = {}): Promise<void> {
  const parts: string[] = [];
  const first = files[0]?.path ?? "";
  try {
    for (const file of files) {
      makeFolder(dirname(file.path));
      const part = `${file.path}.${partSuffix()}`;
      parts.push(part);
      await writeFile(part, file, options);
    }
    for (const [i, file] of [...files.entries()].reverse()) await rename(parts[i] ?? "", file.path);
  } catch (error) {
    for (const part of parts) discard(part);
    if (error instanceof UserError || error === options.signal?.reason) throw error;
    if (!isSystemError(error)) throw error;
    throw new UserError("file/write-failed", { path: first, reason: error.message });
  }
}

/** Bytes of a file with this content. */
export function fileSize({ metadata, tensors }: Omit<GgufContent, "path">): number {
  const data = tensors.reduce((sum, { type, shape }) => sum + aligned(bytesOf(type, shape)), 0);
  return header(metadata, tensors).length + data;
}

async function writeFile(path: string, { metadata, tensors }: GgufContent, options: WriteOptions): Promise<void> {
  const file = await open(path, "wx");
  try {
    await writeAll(file, header(metadata, tensors));
    for (const tensor of tensors) {
      const size = await writePieces(file, tensor, options.signal);
      if (size !== bytesOf(tensor.type, tensor.shape)) throw new Error(`${tensor.name} has ${size} bytes`);
      await writeAll(file, Buffer.alloc(aligned(size) - size));
      options.onTensor?.(tensor);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writePieces(file: FileHandle, tensor: GgufTensor, signal: AbortSignal | undefined): Promise<number> {
  let size = 0;
  for (const piece of tensor.pieces()) {
    await writeAll(file, piece);
    size += piece.length;
    signal?.throwIfAborted();
  }
  return size;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
  }
}

function aligned(size: number): number {
  return Math.ceil(size / defaultAlignment) * defaultAlignment;
}

function header(metadata: Metadata, tensors: readonly GgufTensor[]): Buffer {
  const parts = [Buffer.from(magic), number(version, "uint32"), count(tensors.length), count(metadata.size)];
  for (const [key, value] of metadata) parts.push(string(key), typedValue(value));
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    parts.push(string(name), number(shape.length, "uint32"), ...shape.toReversed().map(count));
    parts.push(number(blockTypes[type].id, "uint32"), count(offset));
    offset += aligned(bytesOf(type, shape));
  }
  const whole = Buffer.concat(parts);
  return Buffer.concat([whole, Buffer.alloc(aligned(whole.length) - whole.length)]);
}

function typedValue(value: MetadataValue): Buffer {
  const code = (of: number) => number(of, "uint32");
  const list = (of: number, items: readonly Buffer[]) =>
    Buffer.concat([code(arrayCode), code(of), count(items.length), ...items]);
  switch (value.type) {
    case "string":
      return Buffer.concat([code(stringCode), string(value.value)]);
    case "bool":
      return Buffer.concat([code(boolCode), flag(value.value)]);
    case "strings":
      return list(stringCode, value.value.map(string));
    case "bools":
      return list(boolCode, value.value.map(flag));
    case "numbers":
      return list(
        numberTypes[value.of].code,
        value.value.map((each) => number(each, value.of)),
      );
    default:
      return Buffer.concat([code(numberTypes[value.type].code), number(value.value, value.type)]);
  }
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([count(bytes.length), bytes]);
}

function flag(value: boolean): Buffer {
  return Buffer.of(value ? 1 : 0);
}

function count(value: number): Buffer {
  return number(value, "uint64");
}

function number(value: number, type: NumberType): Buffer {
  const { bytes } = numberTypes[type];
  const buffer = Buffer.alloc(bytes);
  if (type === "float32") buffer.writeFloatLE(value);
  else if (type === "float64") buffer.writeDoubleLE(value);
  else if (type === "uint64") buffer.writeBigUInt64LE(BigInt(value));
  else if (type === "int64") buffer.writeBigInt64LE(BigInt(value));
  else if (type.startsWith("u")) buffer.writeUIntLE(value, 0, bytes);
  else buffer.writeIntLE(value, 0, bytes);
  return buffer;
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("E");
}
