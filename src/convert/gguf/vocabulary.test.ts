import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { llamaCppVectors, llamaCppVocabulary } from "../../../test/llama-cpp-vectors.ts";
import { hasSharedData } from "../../../test/shared-data.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { importedTokenizer } from "./imported-tokenizer.ts";
import { preTokenizerName } from "./pre-tokenizer.ts";
import { readGguf } from "./reader.ts";
import { llama3Settings } from "./rope-settings.ts";
import { vocabularyMetadata } from "./vocabulary.ts";

const digits = { type: "Digits", individual_digits: true };
const bytes = { type: "ByteLevel", add_prefix_space: false, use_regex: true };
const sequence = (...pretokenizers: object[]) => ({ type: "Sequence", pretokenizers });
const nameOf = (pre_tokenizer: unknown, { normalizer = null as unknown, ignoresMerges = false } = {}) =>
  preTokenizerName({ normalizer, pre_tokenizer, ignoresMerges }, "tokenizer.json");

describe("the name for how text is cut into words", () => {
  test("is found out by the steps", () => {
    expect(nameOf(bytes)).toBe("gpt-2");
    expect(nameOf({ type: "ByteLevel", add_prefix_space: false })).toBe("gpt-2");
    expect(nameOf(sequence(digits, bytes))).toBe("smollm");
    expect(nameOf(sequence(sequence(digits), bytes), { normalizer: { type: "NFC" } })).toBe("smollm");
  });

  test("is not guessed where llama.cpp would cut otherwise", () => {
    const others = [sequence(bytes, digits), { ...bytes, add_prefix_space: true }, { type: "Whitespace" }, null];
    for (const other of others) expect(() => nameOf(other)).toThrow(UserError);
    expect(() => nameOf(bytes, { normalizer: { type: "Lowercase" } })).toThrow(/--pre-tokenizer/);
  });
});

/** A tokenizer of three tokens. */
function files(changes: Record<string, unknown> = {}, model: Record<string, unknown> = {}) {
  const json = {
    added_tokens: [
      { id: 3, content: "<e>", special: true },
      { id: 4, content: "<tool>", special: false },
    ],
    pre_tokenizer: bytes,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: [["a", "b"]], ...model },
    ...changes,
  };
  return {
    tokenizer: JSON.stringify(json),
    path: "tokenizer.json",
    specialTokens: { eos_token: "<e>" },
    endIds: [3, 4],
    templates: { default: "{{ messages }}", tool_use: "tools" },
  };
}
const value = (metadata: ReturnType<typeof vocabularyMetadata>, key: string) => metadata.get(key)?.value;

describe("a vocabulary's metadata", () => {
  test("have a token for every row of the embedding, each with its kind", () => {
    const metadata = vocabularyMetadata(files(), { size: 6 });
    expect(value(metadata, "tokenizer.ggml.tokens")).toEqual(["a", "b", "ab", "<e>", "<tool>", "[PAD5]"]);
    expect(value(metadata, "tokenizer.ggml.token_type")).toEqual([1, 1, 1, 3, 4, 5]);
    expect(value(metadata, "tokenizer.ggml.merges")).toEqual(["a b"]);
    expect(() => vocabularyMetadata(files(), { size: 4 })).toThrow(/"<tool>" the id 4/);
  });

  test("name the tokens that end an answer, and all templates", () => {
    const metadata = vocabularyMetadata(files(), { size: 6, bosId: 3 });
    expect(value(metadata, "tokenizer.ggml.eos_token_id")).toBe(3);
    expect(value(metadata, "tokenizer.ggml.eot_token_id")).toBe(4);
    expect(value(metadata, "tokenizer.ggml.bos_token_id")).toBe(3);
    expect(value(metadata, "tokenizer.ggml.add_bos_token")).toBe(false);
    expect(value(metadata, "tokenizer.chat_template")).toBe("{{ messages }}");
    expect(value(metadata, "tokenizer.chat_templates")).toEqual(["tool_use"]);
    expect(value(metadata, "tokenizer.chat_template.tool_use")).toBe("tools");
  });

  test("can have the name for how text is cut given, and refuse tokenizers of other kinds", () => {
    const odd = files({ pre_tokenizer: { type: "Whitespace" } });
    expect(() => vocabularyMetadata(odd, { size: 6 })).toThrow(UserError);
    const given = vocabularyMetadata(odd, { size: 6, preTokenizer: "qwen2" });
    expect(value(given, "tokenizer.ggml.pre")).toBe("qwen2");
    expect(() => vocabularyMetadata(files({}, { type: "Unigram", vocab: [] }), { size: 6 })).toThrow(/Unigram/);
  });
});

describe.skipIf(!hasSharedData)("llama.cpp's own vocabularies", () => {
  test.each(["phi-3", "gpt-2", "deepseek-coder"])("%s becomes a tokenizer.json", async (family) => {
    const folder = mkdtempSync(join(tmpdir(), "cygnet-gguf-"));
    const made = importedTokenizer(readGguf(llamaCppVocabulary(family)));
    for (const [name, content] of Object.entries(made)) writeFileSync(join(folder, name), content);
    const tokenizer = await Tokenizer.load(folder);
    for (const { text, ids } of llamaCppVectors(family)) {
      expect(await tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(ids);
    }
  });
});

test("Llama 3's context extension is found again from its factors", () => {
  const headSize = 128;
  const theta = 500_000;
  const made = (low: number, high: number, context: number, factor: number) =>
    Float32Array.from({ length: headSize / 2 }, (_, i) => {
      const wavelength = 2 * Math.PI * theta ** ((2 * i) / headSize);
      if (wavelength > context / low) return factor;
      if (wavelength <= context / high) return 1;
      const smooth = (context / wavelength - low) / (high - low);
      return 1 / ((1 - smooth) / factor + smooth);
    });
  const usual = { rope_type: "llama3", low_freq_factor: 1, high_freq_factor: 4 };
  expect(llama3Settings(made(1, 4, 8192, 8), headSize, theta)).toEqual({
    ...usual,
    factor: 8,
    original_max_position_embeddings: 8192,
  });
  expect(llama3Settings(made(1, 4, 4096, 32), headSize, theta)).toMatchObject({
    original_max_position_embeddings: 4096,
  });
  expect(llama3Settings(made(1, 8, 2048, 16), headSize, theta)).toMatchObject({ high_freq_factor: 8 });
  expect(
    llama3Settings(
      Float32Array.from({ length: 64 }, (_, i) => 1 + i),
      headSize,
      theta,
    ),
  ).toBeUndefined();
});
