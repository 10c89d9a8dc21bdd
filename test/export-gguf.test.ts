import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exportAdapter } from "../src/convert/gguf/export-adapter.ts";
import { fileTypeNames } from "../src/convert/gguf/file-types.ts";
import { importGguf } from "../src/convert/gguf/import-gguf.ts";
import { loadModel } from "../src/models/load.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { loadAdapter } from "../src/tuner/load-adapter.ts";
import { exported, ggufToys, largestDifference, logProbabilities, toyFolder } from "./gguf-toys.ts";
import { hasLlamaCpp, loadInLlamaCpp } from "./llama-cpp.ts";
import { llamaCppVectors } from "./llama-cpp-vectors.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const ids = Array.from({ length: 24 }, (_, i) => (i * 331 + 7) % 4096);

describe.skipIf(!hasLlamaCpp)("in llama.cpp", () => {
  test.each(ggufToys)("%s gives the same logits", async (_, type, changes) => {
    const folder = toyFolder(type, changes);
    const model = loadModel(folder, { dtype: "float32" });
    const loaded = await loadInLlamaCpp(await exported(folder));
    expect(largestDifference(logProbabilities(model, ids), await loaded.logProbabilities(ids))).toBeLessThan(1e-3);
    await loaded.dispose();
    model.dispose();
  });

  test.each(fileTypeNames)("%s gives the logits that its weights give when they are read back", async (type) => {
    const folder = toyFolder("llama", { hidden_size: 256, head_dim: 64, intermediate_size: 256 });
    const file = await exported(folder, { type });
    const back = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "model");
    await importGguf(file, back, { dtype: "float32" });
    const model = loadModel(back, { dtype: "float32" });
    const loaded = await loadInLlamaCpp(file);
    const difference = largestDifference(logProbabilities(model, ids), await loaded.logProbabilities(ids));
    // llama.cpp rounds what comes into a packed product to 8 bits, and into one of bfloat16 or float16 to that.
    expect(difference).toBeLessThan(type === "f32" ? 1e-3 : 0.1);
    await loaded.dispose();
    model.dispose();
  });

  test("a model in several files is loaded from the first", async () => {
    const folder = toyFolder("qwen3", {});
    const first = await exported(folder, { shardBytes: 500_000 });
    const model = loadModel(folder, { dtype: "float32" });
    const loaded = await loadInLlamaCpp(first);
    expect(largestDifference(logProbabilities(model, ids), await loaded.logProbabilities(ids))).toBeLessThan(1e-3);
    await loaded.dispose();
    model.dispose();
  });
});

describe.skipIf(!hasLlamaCpp || !hasSharedData)("real vocabularies in llama.cpp", () => {
  // The vocabulary, and the vectors whose texts are cut.
  test.each([
    ["llama-3.1", "llama-bpe", 128_256],
    ["qwen2.5", "qwen2", 151_936],
    ["phi-2", "gpt-2", 51_200],
    ["phi-3-mini", "phi-3", 32_064],
    ["mistral-v0.3", "phi-3", 32_768],
  ])("%s cuts texts as our tokenizer does", { timeout: 180_000 }, async (name, texts, vocab_size) => {
    const source = join(sharedData, "tokenizers", name);
    const folder = toyFolder("llama", { vocab_size, hidden_size: 8, head_dim: 2, intermediate_size: 8 }, source);
    const tokenizer = await Tokenizer.load(folder);
    const loaded = await loadInLlamaCpp(await exported(folder));
    for (const { text } of llamaCppVectors(texts)) {
      // llama.cpp, as SentencePiece, puts a blank before a first blank too; Mistral's tokenizer.json does not.
      if (name === "mistral-v0.3" && text.startsWith(" ")) continue;
      const expected = await tokenizer.encode(text, { addSpecialTokens: false });
      expect(loaded.tokenize(text), JSON.stringify(text)).toEqual(expected);
    }
    expect(loaded.bos === tokenizer.bosTokenId || tokenizer.bosTokenId === undefined).toBe(true);
    expect(loaded.eos).toBe(tokenizer.eosTokenId);
    await loaded.dispose();
  });

  test("stories260K: tokens and logits", async () => {
    const folder = join(sharedData, "stories260K");
    const tokenizer = await Tokenizer.load(folder);
    const model = loadModel(folder, { dtype: "float32" });
    const loaded = await loadInLlamaCpp(await exported(folder));
    for (const { text } of llamaCppVectors("phi-3")) {
      const expected = await tokenizer.encode(text, { addSpecialTokens: false });
      expect(loaded.tokenize(text), JSON.stringify(text)).toEqual(expected);
    }
    const story = await tokenizer.encode("Once upon a time, there was a little girl named Lily.");
    expect(largestDifference(logProbabilities(model, story), await loaded.logProbabilities(story))).toBeLessThan(1e-3);
    await loaded.dispose();
    model.dispose();
  });

  test("a LoRA adapter, alone and merged", async () => {
    const [source, adapter] = [join(sharedData, "stories260K"), join(sharedData, "stories260K-wikisql-lora")];
    const model = loadModel(source, { dtype: "float32" });
    loadAdapter(model, adapter);
    const expected = logProbabilities(
      model.train(false),
      ids.map((id) => id % 512),
    );
    const output = join(mkdtempSync(join(tmpdir(), "cygnet-gguf-")), "lora.gguf");
    await exportAdapter({ source, name: source, adapter, output, force: false, version: "0" });
    for (const loaded of [
      await loadInLlamaCpp(await exported(source), output),
      await loadInLlamaCpp(await exported(source, { adapter })),
    ]) {
      const found = await loaded.logProbabilities(ids.map((id) => id % 512));
      expect(largestDifference(expected, found)).toBeLessThan(1e-3);
      await loaded.dispose();
    }
    model.dispose();
  });
});
