import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fileTypeNames } from "../src/convert/gguf/file-types.ts";
import { importGguf } from "../src/convert/gguf/import-gguf.ts";
import { readGguf } from "../src/convert/gguf/reader.ts";
import { loadModel } from "../src/models/load.ts";
import { UserError } from "../src/protocol/user-error.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { exported, ggufToys, largestDifference, logProbabilities, toyFolder } from "./gguf-toys.ts";
import { llamaCppVectors } from "./llama-cpp-vectors.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const ids = Array.from({ length: 24 }, (_, i) => (i * 331 + 7) % 4096);

async function imported(file: string, dtype?: "float32"): Promise<string> {
  const folder = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "model");
  await importGguf(file, folder, { dtype });
  return folder;
}

test.each(ggufToys)("%s comes back with the same logits", async (_, type, changes) => {
  const source = toyFolder(type, changes);
  const [before, after] = [loadModel(source), loadModel(await imported(await exported(source)))];
  expect(largestDifference(logProbabilities(before, ids), logProbabilities(after, ids))).toBeLessThan(1e-5);
  for (const model of [before, after]) model.dispose();
});

test.each(["f16", "bf16"])("%s comes back as it was stored", async (type) => {
  const source = toyFolder("llama", {});
  const once = await exported(source, { type });
  const twice = await exported(await imported(once), { type });
  for (const [name, stored] of readGguf(once).tensors)
    expect(readGguf(twice).tensors.get(name)?.type).toBe(stored.type);
  const weights = (path: string) => [...readGguf(path).tensors.values()].map(({ offset }) => offset)[0] ?? 0;
  const data = (path: string) => readFileSync(path).subarray(weights(path));
  expect(Buffer.compare(data(once), data(twice))).toBe(0);
});

test.each(fileTypeNames)("%s is read", async (type) => {
  const source = toyFolder("qwen3", { hidden_size: 256, head_dim: 64, intermediate_size: 256 });
  const [before, after] = [loadModel(source), loadModel(await imported(await exported(source, { type })))];
  const difference = largestDifference(logProbabilities(before, ids), logProbabilities(after, ids));
  expect(difference).toBeLessThan(/^q[23]/.test(type) ? 3 : 1.5);
  for (const model of [before, after]) model.dispose();
});

test("a model in several files is read from the first", async () => {
  const source = toyFolder("llama", {});
  const first = await exported(source, { shardBytes: 500_000 });
  const file = readGguf(first);
  expect(file.tensors.size).toBe(readGguf(await exported(source)).tensors.size);
  expect(new Set([...file.tensors.values()].map(({ path }) => path)).size).toBeGreaterThan(1);
  const second = first.replace("-00001-of", "-00002-of");
  await expect(imported(second)).rejects.toThrow(/Give the first, .*-00001-of/);
  rmSync(second);
  await expect(imported(first)).rejects.toThrow(/not there: .*-00002-of/);
});

describe.skipIf(!hasSharedData)("a tokenizer comes back and cuts texts as before", () => {
  test.each([
    ["tokenizers/llama-3.1", "llama-bpe", 128_256],
    ["tokenizers/qwen3", "qwen2", 151_936],
    ["tokenizers/phi-2", "gpt-2", 51_200],
    ["tokenizers/phi-3-mini", "phi-3", 32_064],
    ["stories260K", "phi-3", 512],
  ])("%s", { timeout: 180_000 }, async (name, texts, vocab_size) => {
    const size = { vocab_size, hidden_size: 8, head_dim: 2, intermediate_size: 8, num_hidden_layers: 1 };
    const source = toyFolder("llama", size, join(sharedData, name));
    const [before, after] = [
      await Tokenizer.load(source),
      await Tokenizer.load(await imported(await exported(source))),
    ];
    for (const { text } of llamaCppVectors(texts)) {
      const marked = `${before.addedTokens.keys().next().value}${text}`;
      for (const each of [text, marked]) expect(await after.encode(each), each).toEqual(await before.encode(each));
    }
    expect([...after.eosTokenIds]).toEqual([...before.eosTokenIds]);
    expect(after.templateSource).toBe(before.templateSource);
  });
});

describe("a file that is broken", () => {
  const changed = (change: (bytes: Buffer) => void) => (bytes: Buffer) => {
    change(bytes);
    return bytes;
  };
  const broken = async (change: (bytes: Buffer) => Buffer): Promise<string> => {
    const path = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "broken.gguf");
    writeFileSync(path, change(readFileSync(await exported(toyFolder("llama", { num_hidden_layers: 1 })))));
    return path;
  };

  test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ["is no GGUF file", () => Buffer.from("<html>"), /no GGUF file.*<htm/],
    ["is empty", () => Buffer.alloc(0), /no GGUF file/],
    ["is of another version", changed((b) => void b.writeUInt32LE(1, 4)), /version 1/],
    ["is big-endian", changed((b) => void b.writeUInt32BE(3, 4)), /big-endian/],
    ["ends in its metadata", (b) => b.subarray(0, 1000), /damaged at byte \d+/],
    ["ends in its tensors", (b) => b.subarray(0, b.length - 1000), /would end at byte \d+, and the file has \d+/],
    ["claims too many tensors", changed((b) => void b.writeBigUInt64LE(2n ** 60n, 8)), /damaged at byte 16/],
    ["has a key without end", changed((b) => void b.writeBigUInt64LE(2n ** 40n, 24)), /damaged at byte 32/],
    ["has a value of no type", changed((b) => void b.writeUInt32LE(77, 24 + 8 + 20)), /no type 77 of metadata/],
  ])("%s", async (_, change, message) => {
    const path = await broken(change);
    expect(() => readGguf(path)).toThrow(UserError);
    expect(() => readGguf(path)).toThrow(message);
  });

  test("leaves nothing behind when it is read", async () => {
    const path = await broken((bytes) => bytes);
    const target = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "model");
    const signal = AbortSignal.abort();
    await expect(importGguf(path, target, { signal })).rejects.toBe(signal.reason);
    expect(() => readFileSync(join(target, "config.json"))).toThrow(/ENOENT/);
  });
});
