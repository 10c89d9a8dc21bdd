import { readdirSync } from "node:fs";
import { join } from "node:path";
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

const folders = hasSharedData
  ? [
      "stories260K",
      "stories260K-mlx-4bit",
      ...readdirSync(join(sharedData, "tokenizers"), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join("tokenizers", entry.name)),
    ]
  : [];

describe.skipIf(!hasSharedData)("streamed text of real tokenizers", () => {
  test.each(folders)("%s: equals the whole decoding, for random ids and for real text", async (name) => {
    const tokenizer = await Tokenizer.load(join(sharedData, name));
    const random = randomNumbers(1);
    const sequences = Array.from({ length: 400 }, (_, i) =>
      // The first ids hold the byte tokens: many incomplete and invalid characters. Some ids are beyond the vocabulary.
      Array.from({ length: 1 + Math.floor(random() * 30) }, () =>
        Math.floor(random() * (i % 2 ? 300 : tokenizer.vocabSize + 50)),
      ),
    );
    const text = " Ünïcode 你好，世界 👩‍👩‍👧 🇨🇳 \u0e17\u0e35\u0e48 <s> e\u0301\n\n\ufffd end ";
    sequences.push(await tokenizer.encode(text), await tokenizer.encode(text, { addSpecialTokens: false }));
    for (const ids of sequences) {
      const detokenizer = tokenizer.detokenizer();
      const parts = ids.map((id) => detokenizer.add(id));
      parts.push(detokenizer.finish());
      expect(parts.join("")).toBe(tokenizer.decode(ids));
      expect(detokenizer.text).toBe(parts.join(""));
    }
  });

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
