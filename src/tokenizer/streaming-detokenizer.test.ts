import { copyFileSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { StreamingDetokenizer, type TokenDecoder } from "./streaming-detokenizer.ts";
import { Tokenizer } from "./tokenizer.ts";

/** mulberry32: the same numbers in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const fixtures = resolve(import.meta.dirname, "../../test/fixtures");
const subfolders = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name));
const real = hasSharedData
  ? [
      join(sharedData, "stories260K"),
      join(sharedData, "stories260K-mlx-4bit"),
      ...subfolders(join(sharedData, "tokenizers")),
    ]
  : [];

const text = " Ünïcode 你好，世界 👩‍👩‍👧 🇨🇳 \u0e17\u0e35\u0e48 <s> e\u0301\n\n\ufffd end ";

/** Random ids and real text, streamed, against the whole decoding. */
async function expectWhole(tokenizer: Tokenizer): Promise<void> {
  const random = randomNumbers(1);
  const sequences = Array.from({ length: 400 }, (_, i) =>
    // The first ids hold the byte tokens: many incomplete and invalid characters. Some ids are beyond the vocabulary.
    Array.from({ length: 1 + Math.floor(random() * 30) }, () =>
      Math.floor(random() * (i % 2 ? 300 : tokenizer.vocabSize + 50)),
    ),
  );
  sequences.push(await tokenizer.encode(text), await tokenizer.encode(text, { addSpecialTokens: false }));
  for (const ids of sequences) {
    const detokenizer = tokenizer.detokenizer();
    const parts = ids.map((id) => detokenizer.add(id));
    parts.push(detokenizer.finish());
    expect(parts.join("")).toBe(tokenizer.decode(ids));
    expect(detokenizer.text).toBe(parts.join(""));
    // Half a pair of UTF-16 is a broken character too.
    expect(parts.some((part) => /\p{Surrogate}/u.test(part))).toBe(false);
  }
}

describe("streamed text equals the whole decoding, without broken characters", () => {
  test.each([...subfolders(join(fixtures, "tokenizers")), join(fixtures, "parity/models/qwen3")])(
    "%s",
    async (folder) => {
      await expectWhole(await Tokenizer.load(folder));
    },
  );

  test.skipIf(!hasSharedData).each(real)("%s", async (folder) => {
    await expectWhole(await Tokenizer.load(folder));
  });

  test.skipIf(!hasSharedData).each([["mistral-v0.3/tokenizer.model"], ["llama-3.1/original.tiktoken.model"]])(
    "%s, converted",
    async (file) => {
      const folder = mkdtempSync(join(tmpdir(), "cygnet-detokenizer-"));
      copyFileSync(join(sharedData, "tokenizers", file), join(folder, "tokenizer.model"));
      await expectWhole(await Tokenizer.load(folder));
    },
  );
});

describe.skipIf(!hasSharedData)("streamed text of real tokenizers", () => {
  test("half a character is held back until it is whole", async () => {
    const tokenizer = await Tokenizer.load(join(sharedData, "tokenizers/llama-3.1"));
    const ids = await tokenizer.encode("👩‍👩‍👧 好 🇨🇳", { addSpecialTokens: false });
    const detokenizer = tokenizer.detokenizer();
    for (const id of ids) expect(detokenizer.add(id)).not.toContain("\ufffd");
    expect(detokenizer.text).toBe("👩‍👩‍👧 好 🇨🇳");
    expect(detokenizer.finish()).toBe("");
  });
});

test("the work per token does not grow with the text", () => {
  let decoded = 0;
  const decoder: TokenDecoder = {
    byteLevel: false,
    piece: (id) => (id % 7 === 0 ? "<0x41>" : `▁${id}`),
    decode: (pieces) => {
      decoded += pieces.length;
      return pieces.join("");
    },
  };
  const detokenizer = new StreamingDetokenizer(decoder);
  for (let id = 0; id < 1000; id++) detokenizer.add(id);
  expect(decoded).toBeLessThan(3000);
});

test("half a character is held back under a decoder that spells bytes among other things", () => {
  const decoder: TokenDecoder = {
    byteLevel: false,
    piece: (id) => String.fromCharCode(id),
    decode: (pieces) => Buffer.from(pieces.join(""), "latin1").toString("utf8"),
  };
  const detokenizer = new StreamingDetokenizer(decoder);
  const parts = [...Buffer.from("a好b"), 0xe5].map((byte) => detokenizer.add(byte));
  expect([...parts, detokenizer.finish()]).toEqual(["a", "", "", "好", "b", "", "\ufffd"]);
});
