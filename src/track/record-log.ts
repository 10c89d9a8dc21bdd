import { closeSync, openSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const blockSize = 32768;
const chunkHeader = 7;
const types = { full: 1, first: 2, middle: 3, last: 4 } as const;

/**
 * The log file that SwanLab and Weights & Biases share: LevelDB's framing with another checksum.
 *
 *   file   = 7-byte header (identity, magic, version), then blocks of 32768 bytes; the header counts in the first block
 *   chunk  = CRC-32 of type and data, uint16 length, uint8 type, data; a record longer than its block spans several
 *
 * The checksum is zlib's, unmasked, where LevelDB has a masked CRC-32C.
 */
export class RecordLog {
  readonly #file: number;
  #offset = chunkHeader;

  /** @throws when `path` exists. */
  constructor(path: string, identity: string, magic: number, version: number) {
    this.#file = openSync(path, "wx");
    const header = Buffer.alloc(chunkHeader);
    header.write(identity, 0, "latin1");
    header.writeUInt16LE(magic, 4);
    header[6] = version;
    writeSync(this.#file, header);
  }

  append(record: Buffer): void {
    let rest = record;
    let begun = false;
    do {
      const room = this.#room();
      const data = rest.subarray(0, room);
      rest = rest.subarray(room);
      const isLast = rest.length === 0;
      this.#writeChunk(data, begun ? (isLast ? types.last : types.middle) : isLast ? types.full : types.first);
      begun = true;
    } while (rest.length > 0);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Data bytes that fit into this block; a block with no room for a header is filled with zeros. */
  #room(): number {
    const left = blockSize - (this.#offset % blockSize);
    if (left >= chunkHeader) return left - chunkHeader;
    writeSync(this.#file, Buffer.alloc(left));
    this.#offset += left;
    return blockSize - chunkHeader;
  }

  #writeChunk(data: Buffer, type: number): void {
    const chunk = Buffer.alloc(chunkHeader + data.length);
    chunk[6] = type;
    data.copy(chunk, chunkHeader);
    chunk.writeUInt32LE(crc32(chunk.subarray(6)), 0);
    chunk.writeUInt16LE(data.length, 4);
    writeSync(this.#file, chunk);
    this.#offset += chunk.length;
  }
}
