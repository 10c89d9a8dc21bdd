import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { RecordLog } from "./record-log.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-log-"));

/** Reads the framing back, by its definition, and checks every sum. */
function readRecords(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const records: Buffer[] = [];
  let parts: Buffer[] = [];
  for (let at = 7; at < bytes.length; ) {
    const left = 32768 - (at % 32768);
    if (left < 7) {
      at += left;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    expect(length + 7).toBeLessThanOrEqual(left);
    expect(crc32(bytes.subarray(at + 6, at + 7 + length))).toBe(bytes.readUInt32LE(at));
    const type = bytes[at + 6];
    if (type === 1 || type === 2) parts = [];
    parts.push(bytes.subarray(at + 7, at + 7 + length));
    if (type === 1 || type === 4) records.push(Buffer.concat(parts));
    at += 7 + length;
  }
  return records;
}

test("records of every length come back, at the edges of a block and over several", () => {
  const path = join(folder, "edges.log");
  const log = new RecordLog(path, ":SWL", 0xe1d6, 2);
  // The first fills its block up to 3 bytes, so that the second must begin in the next one.
  const lengths = [32768 - 7 - 7 - 3, 5, 0, 32768, 100_000, 1];
  const records = lengths.map((length, i) => Buffer.alloc(length, i + 1));
  for (const record of records) log.append(record);
  log.close();
  expect(readRecords(path).map((record) => record.length)).toEqual(lengths);
  expect(Buffer.concat(readRecords(path)).equals(Buffer.concat(records))).toBe(true);
  expect(readFileSync(path).subarray(0, 7).toString("hex")).toBe("3a53574cd6e102");
});

test("a log never overwrites another", () => {
  const path = join(folder, "once.log");
  new RecordLog(path, ":W&B", 0xbee1, 0).close();
  expect(() => new RecordLog(path, ":W&B", 0xbee1, 0)).toThrow("EEXIST");
});
