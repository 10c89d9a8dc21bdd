import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { UserError } from "../protocol/user-error.ts";
import { Tokenizer } from "./tokenizer.ts";

// Written by Google's sentencepiece: scripts/write-tokenizer-fixtures.py.
const fixtures = resolve(import.meta.dirname, "../../test/fixtures/tokenizers");
const names = readdirSync(fixtures).filter((name) => /^(bpe|unigram)/.test(name) && !name.endsWith("-json"));
const Vectors = z.array(z.object({ text: z.string(), ids: z.array(z.int()), decoded: z.string() }));

function vectors(name: string): z.infer<typeof Vectors> {
  return Vectors.parse(JSON.parse(readFileSync(join(fixtures, name, "vectors.json"), "utf8")));
}

/** A folder with a fixture's tokenizer.model and other files. */
function folderOf(name: string, files: Record<string, unknown> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-sentencepiece-"));
  copyFileSync(join(fixtures, name, "tokenizer.model"), join(folder, "tokenizer.model"));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), JSON.stringify(content));
  return folder;
}

describe.each(names)("tokenizer.model alone: %s", (name) => {
  test("cuts text as sentencepiece does", async () => {
    const tokenizer = await Tokenizer.load(join(fixtures, name));
    for (const { text, ids } of vectors(name)) {
      // SentencePiece itself knows no special tokens in text, and puts a blank before a lone symbol of the user's.
      if (/<s>|<\/s>|<unk>/.test(text) || text === "<user>") continue;
      expect(await tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(ids);
    }
  });

  test("decodes as sentencepiece does", async () => {
    const tokenizer = await Tokenizer.load(join(fixtures, name));
    for (const { ids, decoded } of vectors(name)) {
      if (decoded.includes("⁇") || ids.length === 0) continue;
      // SentencePiece takes off all blanks at the start that it takes off when it encodes.
      expect(tokenizer.decode(ids).trimStart()).toBe(decoded.trimStart());
    }
  });

  test("knows the control tokens in text, and which one begins it", async () => {
    const tokenizer = await Tokenizer.load(join(fixtures, name));
    expect([tokenizer.bosTokenId, tokenizer.eosTokenId]).toEqual([1, 2]);
    const ids = await tokenizer.encode("<s>a</s>");
    expect(ids.slice(0, 2)).toEqual([1, 1]);
    expect(ids.at(-1)).toBe(2);
    expect(tokenizer.decode([1, 2], { skipSpecialTokens: true })).toBe("");
    expect(tokenizer.vocabSize).toBe(700);
  });
});

describe("the files beside a tokenizer.model", () => {
  test("say which tokens stand around a text, and which there are besides", async () => {
    const tokenizer_config = {
      add_bos_token: false,
      add_eos_token: true,
      eos_token: "<end>",
      added_tokens_decoder: { 700: { content: "<end>", special: true, lstrip: false, rstrip: false } },
    };
    const folder = folderOf("bpe-byte-fallback", {
      "tokenizer_config.json": tokenizer_config,
      "added_tokens.json": { "<more>": 701 },
    });
    const tokenizer = await Tokenizer.load(folder);
    const [first, ...rest] = await tokenizer.encode("<more>");
    expect([first, rest]).toEqual([701, [700]]);
    expect([tokenizer.eosTokenId, tokenizer.vocabSize]).toEqual([700, 702]);
  });

  test("say with legacy: false that a blank stands only before the first word", async () => {
    const plain = await Tokenizer.load(folderOf("bpe-byte-fallback"));
    const modern = await Tokenizer.load(folderOf("bpe-byte-fallback", { "tokenizer_config.json": { legacy: false } }));
    const texts = async (tokenizer: Tokenizer, text: string) =>
      (await tokenizer.encode(text, { addSpecialTokens: false })).map((id) => tokenizer.tokenText(id));
    expect(await texts(modern, "model")).toEqual(await texts(plain, "model"));
    expect((await texts(plain, "</s>model"))[1]).toMatch(/^ /);
    expect((await texts(modern, "</s>model"))[1]).toMatch(/^[^ ]/);
  });
});

test("a symbol that the user defined is one token, whatever is around it", async () => {
  const tokenizer = await Tokenizer.load(folderOf("bpe-defined"));
  const user = tokenizer.addedTokens.get("<user>");
  const ids = await tokenizer.encode("a<user>b", { addSpecialTokens: false });
  expect(ids).toContain(user);
  expect(tokenizer.decode(ids)).toBe("a<user>b");
  expect(await tokenizer.encode("<user>", { addSpecialTokens: false })).toEqual([user]);
});

describe("a tokenizer.model that cannot be used is told", () => {
  const damaged = async (change: (bytes: Buffer) => Buffer): Promise<UserError> => {
    const folder = folderOf("bpe-byte-fallback");
    const path = join(folder, "tokenizer.model");
    writeFileSync(path, change(readFileSync(path)));
    const error: unknown = await Tokenizer.load(folder).catch((reason: unknown) => reason);
    if (error instanceof UserError) return error;
    throw new Error(`no rejection: ${error}`);
  };
  // Field 2, the trainer's settings; in it field 3, the algorithm.
  const setting = (...bytes: number[]) => Buffer.from([0x12, bytes.length, ...bytes]);

  test.each([
    ["empty", () => Buffer.of()],
    ["cut short", (bytes: Buffer) => bytes.subarray(0, -5)],
    ["something else", () => Buffer.from("<html>not found</html>")],
    ["an unknown algorithm", (bytes: Buffer) => Buffer.concat([bytes, setting(0x18, 9)])],
  ])("%s", async (_, change) => {
    const error = await damaged(change);
    expect(error.code).toBe("tokenizer/bad-file");
    expect(error.message).toContain("tokenizer.model");
  });

  test("an algorithm without a counterpart", async () => {
    const error = await damaged((bytes) => Buffer.concat([bytes, setting(0x18, 3)]));
    expect(error).toMatchObject({ code: "tokenizer/sentencepiece-kind", facts: { kind: "word" } });
    const suffix = await damaged((bytes) => Buffer.concat([bytes, setting(0xc0, 0x01, 1)]));
    expect(suffix.code).toBe("tokenizer/sentencepiece-kind");
  });
});

test.skipIf(!hasSharedData)("Mistral's tokenizer.model alone cuts real texts as sentencepiece does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-mistral-"));
  copyFileSync(join(sharedData, "tokenizers/mistral-v0.3/tokenizer.model"), join(folder, "tokenizer.model"));
  const tokenizer = await Tokenizer.load(folder);
  const input = readFileSync(join(sharedData, "llama.cpp-vocab/ggml-vocab-phi-3.gguf.inp"), "utf8");
  const texts = input.split("\n__ggml_vocab_test__\n");
  const expected = z
    .array(z.array(z.int()))
    .parse(JSON.parse(readFileSync(join(fixtures, "mistral-v0.3.json"), "utf8")));
  expect(texts.length).toBe(expected.length);
  for (const [i, text] of texts.entries()) {
    expect(await tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(expected[i]);
  }
  const ids = await tokenizer.encode("[INST] hi [/INST]");
  expect([ids[0], ids[1], ids.at(-1)]).toEqual([1, 3, 4]);
});
