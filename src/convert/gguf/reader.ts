import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { type BlockType, blockTypes } from "../../core/blocks.ts";
import type { GgufDamage } from "../../protocol/messages/gguf.ts";
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
import { shardNames } from "./shards.ts";
import { bytesOf, isBlockType } from "./tensor-types.ts";
import { defaultAlignment, magic } from "./writer.ts";

/** Where a tensor lies. */
export interface StoredTensor {
  name: string;
  /** Rows before columns. */
  shape: number[];
  type: BlockType;
  /** The file that it lies in. */
  path: string;
  /** From the file's start. */
  offset: number;
}

export interface GgufFile {
  path: string;
  metadata: Metadata;
  tensors: Map<string, StoredTensor>;
}

const maxDimensions = 4;
/** Longer strings are none: a file that says so is damaged. */
const maxStringBytes = 2 ** 30;

/**
 * Reads what a GGUF file holds (versions 2 and 3, little-endian), without its tensors' bytes; of a model in several files,
 * from its first, of all.
 * @throws UserError that says where a damaged file is damaged.
 */
export function readGguf(path: string): GgufFile {
  const first = readOne(path);
  const count = first.metadata.get("split.count");
  if (count?.type !== "uint16" || count.value <= 1) return first;
  const names = shardNames(path, count.value);
  const missing = names.filter((name) => !existsSync(name));
  if (names[0] !== path || missing.length > 0) {
    throw new UserError("gguf/shards", { path, count: count.value, first: names[0] ?? path, missing });
  }
  for (const name of names.slice(1)) for (const [key, tensor] of readOne(name).tensors) first.tensors.set(key, tensor);
  return first;
}

/** Some bytes of a tensor. */
export function readBytes({ path, offset }: StoredTensor, from: number, size: number): Uint8Array {
  const file = openSync(path, "r");
  try {
    const buffer = new Uint8Array(size);
    if (readSync(file, buffer, 0, size, offset + from) === size) return buffer;
    throw new UserError("gguf/damaged", { path, offset: offset + from, problem: { kind: "short" } });
  } finally {
    closeSync(file);
  }
}

function readOne(path: string): GgufFile {
  if (!existsSync(path)) throw new UserError("file/absent", { path });
  const file = openSync(path, "r");
  try {
    return new HeaderReader(path, file).read();
  } finally {
    closeSync(file);
  }
}

class HeaderReader {
  readonly #size: number;
  #window = Buffer.alloc(0);
  #start = 0;
  #at = 0;

  constructor(
    readonly path: string,
    readonly file: number,
  ) {
    this.#size = fstatSync(file).size;
  }

  read(): GgufFile {
    const begin = this.#take(Math.min(4, this.#size)).toString("latin1");
    if (begin !== magic) throw new UserError("gguf/no-gguf", { path: this.path, found: begin });
    const version = this.#number("uint32");
    if (version !== 2 && version !== 3) throw new UserError("gguf/version", { path: this.path, version });
    const tensorCount = this.#count(8 + 4 + 4 + 8);
    const metadataCount = this.#count(8 + 4 + 1);
    const metadata: Metadata = new Map();
    for (let i = 0; i < metadataCount; i++) metadata.set(this.#string(), this.#value());
    const places = Array.from({ length: tensorCount }, () => this.#tensor());
    const given = metadata.get("general.alignment");
    const alignment = given?.type === "uint32" ? given.value : defaultAlignment;
    if (alignment < 1 || alignment % 8 !== 0) throw this.#damaged({ kind: "alignment", found: alignment });
    const data = Math.ceil(this.#at / alignment) * alignment;
    const tensors = new Map<string, StoredTensor>();
    for (const place of places) {
      const offset = data + place.offset;
      const end = offset + bytesOf(place.type, place.shape);
      if (end > this.#size) throw this.#damaged({ kind: "beyond", name: place.name, end, size: this.#size });
      tensors.set(place.name, { ...place, path: this.path, offset });
    }
    return { path: this.path, metadata, tensors };
  }

  #tensor(): Omit<StoredTensor, "path"> {
    const name = this.#string();
    const dimensions = this.#number("uint32");
    if (dimensions > maxDimensions) throw this.#damaged({ kind: "dimensions", name, found: dimensions });
    const shape = Array.from({ length: dimensions }, () => this.#number("uint64")).reverse();
    const id = this.#number("uint32");
    const type = typeOf(id);
    if (!type) throw new UserError("gguf/tensor-type", { path: this.path, name, id, known: Object.keys(blockTypes) });
    if (!Number.isSafeInteger(bytesOf(type, shape))) throw this.#damaged({ kind: "shape", name, shape });
    return { name, shape, type, offset: this.#number("uint64") };
  }

  #value(): MetadataValue {
    const code = this.#number("uint32");
    if (code === stringCode) return { type: "string", value: this.#string() };
    if (code === boolCode) return { type: "bool", value: this.#take(1)[0] !== 0 };
    if (code === arrayCode) return this.#array();
    const type = this.#numberType(code);
    return { type, value: this.#number(type) };
  }

  #array(): MetadataValue {
    const code = this.#number("uint32");
    if (code === stringCode) {
      const length = this.#count(8);
      return { type: "strings", value: Array.from({ length }, () => this.#string()) };
    }
    if (code === boolCode) return { type: "bools", value: [...this.#take(this.#count(1))].map((byte) => byte !== 0) };
    const of = this.#numberType(code);
    const length = this.#count(numberTypes[of].bytes);
    return { type: "numbers", of, value: Array.from({ length }, () => this.#number(of)) };
  }

  #numberType(code: number): NumberType {
    const [name] = Object.entries(numberTypes).find(([, type]) => type.code === code) ?? [];
    if (isNumberType(name)) return name;
    throw this.#damaged({ kind: "value-type", found: code });
  }

  #string(): string {
    const size = this.#count(1);
    if (size > maxStringBytes) throw this.#damaged({ kind: "string", found: size });
    return this.#take(size).toString("utf8");
  }

  /** How many things of at least so many bytes follow. */
  #count(bytes: number): number {
    const count = this.#number("uint64");
    if (count * bytes <= this.#size - this.#at) return count;
    throw this.#damaged({ kind: "count", found: count, left: this.#size - this.#at });
  }

  #number(type: NumberType): number {
    const { bytes } = numberTypes[type];
    const buffer = this.#take(bytes);
    if (type === "float32") return buffer.readFloatLE();
    if (type === "float64") return buffer.readDoubleLE();
    if (type === "uint64") return Number(buffer.readBigUInt64LE());
    if (type === "int64") return Number(buffer.readBigInt64LE());
    return type.startsWith("u") ? buffer.readUIntLE(0, bytes) : buffer.readIntLE(0, bytes);
  }

  #take(bytes: number): Buffer {
    if (this.#at + bytes > this.#size) throw this.#damaged({ kind: "short" });
    if (this.#at + bytes > this.#start + this.#window.length) {
      this.#window = Buffer.alloc(Math.min(Math.max(bytes, 2 ** 20), this.#size - this.#at));
      readSync(this.file, this.#window, 0, this.#window.length, this.#at);
      this.#start = this.#at;
    }
    const from = this.#at - this.#start;
    this.#at += bytes;
    return this.#window.subarray(from, from + bytes);
  }

  #damaged(problem: GgufDamage): UserError {
    return new UserError("gguf/damaged", { path: this.path, offset: this.#at, problem });
  }
}

function typeOf(id: number): BlockType | undefined {
  const [name] = Object.entries(blockTypes).find(([, type]) => type.id === id) ?? [];
  return isBlockType(name) ? name : undefined;
}

function isNumberType(name: string | undefined): name is NumberType {
  return name !== undefined && Object.hasOwn(numberTypes, name);
}
