import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { llamaCppVectors } from "../../test/llama-cpp-vectors.ts";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { UserError } from "../protocol/user-error.ts";
import { bytesOfPiece, pieceOfBytes } from "./byte-alphabet.ts";
import { Tokenizer } from "./tokenizer.ts";

const folderOf = (): string => mkdtempSync(join(tmpdir(), "cygnet-tiktoken-"));
const lineOf = (token: Uint8Array, rank: number): string => `${Buffer.from(token).toString("base64")} ${rank}`;

async function rejection(folder: string): Promise<UserError> {
  const error: unknown = await Tokenizer.load(folder).catch((reason: unknown) => reason);
  if (error instanceof UserError) return error;
  throw new Error(`no rejection: ${error}`);
}

test("bytes and the pieces that spell them are each other's inverse", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(pieceOfBytes(bytes).length).toBe(256);
  expect(bytesOfPiece(pieceOfBytes(bytes))).toEqual(bytes);
  expect(pieceOfBytes(Buffer.from(" a\n"))).toBe("ĠaĊ");
});

describe("what is no known tiktoken file is told", () => {
  const lines = [..."abc"].map((letter, rank) => lineOf(Buffer.from(letter), rank));

  test("a vocabulary of an unknown size", async () => {
    const folder = folderOf();
    writeFileSync(join(folder, "other.tiktoken"), lines.join("\n"));
    const error = await rejection(folder);
    expect(error).toMatchObject({ code: "tokenizer/unknown-tiktoken", facts: { size: 3 } });
    expect(error.message).toMatch(/other\.tiktoken has 3 tokens.*Llama 3 \(128000\)/);
  });

  test("ranks with a gap", async () => {
    const folder = folderOf();
    writeFileSync(join(folder, "tokenizer.model"), [lines[0], lines[2]].join("\n"));
    const error = await rejection(folder);
    expect(error.code).toBe("tokenizer/bad-file");
    expect(error.message).toContain("line 2");
  });
});

describe.skipIf(!hasSharedData)("real tiktoken files", () => {
  test("Llama 3's tokenizer.model cuts text as its tokenizer.json does", async () => {
    const [folder, source] = [folderOf(), join(sharedData, "tokenizers/llama-3.1")];
    copyFileSync(join(source, "original.tiktoken.model"), join(folder, "tokenizer.model"));
    const [tokenizer, published] = await Promise.all([Tokenizer.load(folder), Tokenizer.load(source)]);
    for (const { text, ids } of llamaCppVectors("llama-bpe")) {
      expect(await tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(ids);
    }
    expect(tokenizer.addedTokens).toEqual(published.addedTokens);
    expect(tokenizer.vocabSize).toBe(published.vocabSize);
    expect(tokenizer.bosTokenId).toBe(128_000);
    const chat = "<|start_header_id|>user<|end_header_id|>\n\n你好 world<|eot_id|>";
    expect(await tokenizer.encode(chat)).toEqual(await published.encode(chat));
    expect(tokenizer.decode(await tokenizer.encode(chat), { skipSpecialTokens: true })).toBe("user\n\n你好 world");
  });

  test("Qwen's qwen.tiktoken cuts text as llama.cpp's vectors say", async () => {
    const folder = folderOf();
    const path = join(sharedData, "tokenizers/qwen2.5/vocab.json");
    const vocabulary = z.record(z.string(), z.int()).parse(JSON.parse(readFileSync(path, "utf8")));
    const pieces = Object.entries(vocabulary).sort(([, a], [, b]) => a - b);
    writeFileSync(
      join(folder, "qwen.tiktoken"),
      `${pieces.map(([piece, rank]) => lineOf(bytesOfPiece(piece), rank)).join("\n")}\n`,
    );
    const tokenizer = await Tokenizer.load(folder);
    for (const { text, ids } of llamaCppVectors("qwen2")) {
      expect(await tokenizer.encode(text), text).toEqual(ids);
    }
    expect(await tokenizer.encode("e\u0301")).toEqual(await tokenizer.encode("é"));
    expect(tokenizer.addedTokens.get("<|im_end|>")).toBe(151_645);
    expect(tokenizer.eosTokenId).toBe(151_643);
  });
});
