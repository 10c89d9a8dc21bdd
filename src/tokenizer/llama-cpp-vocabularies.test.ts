import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ggufVocabulary } from "../../test/gguf-vocabulary.ts";
import { llamaCppVectors, llamaCppVocabulary } from "../../test/llama-cpp-vectors.ts";
import { hasSharedData } from "../../test/shared-data.ts";
import { fromSentencePiece } from "./from-sentencepiece.ts";
import { type Piece, pieceTypes } from "./sentencepiece-model.ts";
import { Tokenizer } from "./tokenizer.ts";
import type { TokenizerSettings } from "./tokenizer-json.ts";

// Vocabularies that are here as GGUF, put into the tokenizer.json that their models have.

const settings: TokenizerSettings = {
  addedTokens: new Map(),
  addBosToken: undefined,
  addEosToken: undefined,
  legacy: undefined,
  specialTokens: {},
};

async function load(json: string): Promise<Tokenizer> {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-gguf-"));
  writeFileSync(join(folder, "tokenizer.json"), json);
  return Tokenizer.load(folder);
}

async function expectVectors(tokenizer: Tokenizer, family: string): Promise<void> {
  const vectors = llamaCppVectors(family);
  expect(vectors.length).toBe(47);
  for (const { text, ids } of vectors) {
    expect(await tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(ids);
  }
}

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
const isolated = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });

describe.skipIf(!hasSharedData)("llama.cpp's vocabularies", () => {
  test("phi-3: pieces and scores of SentencePiece", async () => {
    const gguf = ggufVocabulary(llamaCppVocabulary("phi-3"));
    const types: Record<number, Piece["type"]> = pieceTypes;
    const pieces = gguf["tokenizer.ggml.tokens"].map((text, id) => ({
      text,
      score: gguf["tokenizer.ggml.scores"]?.[id] ?? 0,
      type: types[gguf["tokenizer.ggml.token_type"][id] ?? 1] ?? "normal",
    }));
    const { json } = fromSentencePiece(
      "phi-3",
      {
        pieces,
        algorithm: "bpe",
        byteFallback: true,
        blankAsSuffix: false,
        bosId: 1,
        eosId: 2,
        charsmap: new Uint8Array(),
        addDummyPrefix: true,
        removeExtraBlanks: false,
        escapeBlanks: true,
      },
      settings,
    );
    await expectVectors(await load(json), "phi-3");
  });

  test.each([
    ["gpt-2", [{ ...byteLevel, use_regex: true }]],
    [
      "deepseek-coder",
      [
        isolated("[\\r\\n]"),
        isolated("\\s?\\p{L}+"),
        isolated("\\s?\\p{P}+"),
        isolated("[一-龥ࠀ-一가-퟿]+"),
        { type: "Digits", individual_digits: true },
        byteLevel,
      ],
    ],
  ])("%s: byte-level merges", async (family, pretokenizers) => {
    const gguf = ggufVocabulary(llamaCppVocabulary(family));
    const json = {
      version: "1.0",
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: "Sequence", pretokenizers },
      post_processor: null,
      decoder: byteLevel,
      model: {
        type: "BPE",
        vocab: Object.fromEntries(gguf["tokenizer.ggml.tokens"].map((text, id) => [text, id])),
        merges: gguf["tokenizer.ggml.merges"],
      },
    };
    await expectVectors(await load(JSON.stringify(json)), family);
  });
});
