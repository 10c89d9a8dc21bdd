import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { llamaCppVectors } from "../../test/llama-cpp-vectors.ts";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { Tokenizer } from "./tokenizer.ts";

describe.skipIf(!hasSharedData)("real tokenizers", () => {
  // Phi-2 has tokens of its own for runs of spaces and tabs, which GPT-2 has not: 7 of the 47 texts.
  test.each([
    ["qwen2.5", "qwen2", 0],
    ["qwen3", "qwen2", 0],
    ["llama-3.1", "llama-bpe", 0],
    ["phi-3-mini", "phi-3", 0],
    ["phi-2", "gpt-2", 7],
  ])("%s encodes as llama.cpp's %s vectors say", async (name, family, exceptions) => {
    const tokenizer = await Tokenizer.load(join(sharedData, "tokenizers", name));
    const different: string[] = [];
    const texts = llamaCppVectors(family);
    expect(texts.length).toBe(47);
    for (const { text, ids } of texts) {
      const got = await tokenizer.encode(text, { addSpecialTokens: false });
      if (got.join() !== ids.join()) different.push(text);
    }
    expect(different.length).toBe(exceptions);
    for (const text of different) expect(text).toMatch(/ {2}|\t/);
  });

  test.each(["qwen3", "llama-3.1", "phi-3-mini"])("%s: the bytes of a text's tokens are the text's", async (name) => {
    const tokenizer = await Tokenizer.load(join(sharedData, "tokenizers", name));
    const text = "Grüße, 世界! 🦢 naïve\n\ttabs";
    const ids = await tokenizer.encode(text, { addSpecialTokens: false });
    const bytes = Buffer.concat(ids.map((id) => tokenizer.tokenBytes(id)));
    expect(bytes.toString("utf8").trimStart()).toBe(text);
    const special = [...tokenizer.addedTokens][0] ?? ["", 0];
    expect(Buffer.from(tokenizer.tokenBytes(special[1])).toString("utf8")).toBe(special[0]);
  });

  test("llama-3.1 encodes and decodes as swift-transformers' vectors say", async () => {
    const Vectors = z.object({
      long: z.object({ text: z.string(), token_ids: z.array(z.int()), decoded_text: z.string() }),
      short: z.array(
        z.object({
          input: z.string(),
          encoded: z.object({ input_ids: z.array(z.int()) }),
          decoded_with_special: z.string(),
          decoded_without_special: z.string(),
        }),
      ),
    });
    const folder = join(sharedData, "tokenizers/llama-3.1");
    const tokenizer = await Tokenizer.load(folder);
    const { short, long } = Vectors.parse(JSON.parse(await readFile(join(folder, "vectors.json"), "utf8")));
    expect(await tokenizer.encode(long.text)).toEqual(long.token_ids);
    expect(tokenizer.decode(long.token_ids)).toBe(long.decoded_text);
    // The vectors were decoded with `clean_up_tokenization_spaces`, which drops the blank before punctuation.
    const cleaned = (text: string) => text.replaceAll(/ (\.|\?|!|,|n't|'m|'s|'ve|'re)/g, "$1");
    for (const row of short) {
      expect(await tokenizer.encode(row.input)).toEqual(row.encoded.input_ids);
      expect(cleaned(tokenizer.decode(row.encoded.input_ids))).toBe(row.decoded_with_special);
      expect(cleaned(tokenizer.decode(row.encoded.input_ids, { skipSpecialTokens: true }))).toBe(
        row.decoded_without_special,
      );
    }
  });

  test.each(["stories260K", "stories260K-padded", "stories260K-mlx-4bit"])("%s encodes its prompts", async (name) => {
    const Reference = z.object({
      cases: z.array(z.object({ prompt: z.string(), prompt_ids: z.array(z.int()) })),
    });
    const folder = join(sharedData, name);
    const tokenizer = await Tokenizer.load(folder);
    const { cases } = Reference.parse(JSON.parse(await readFile(join(folder, "reference.json"), "utf8")));
    for (const row of cases) expect(await tokenizer.encode(row.prompt)).toEqual(row.prompt_ids);
    expect([...tokenizer.eosTokenIds].sort()).toEqual([1, 2]);
    expect([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.vocabSize]).toEqual([1, 2, 512]);
    expect(tokenizer.hasChatTemplate).toBe(false);
    expect(() => tokenizer.render([{ role: "user", content: "hi" }])).toThrow(/no chat template/);
  });

  test("qwen3 renders a chat with its thinking switch and encodes it without further special tokens", async () => {
    const tokenizer = await Tokenizer.load(join(sharedData, "tokenizers/qwen3"));
    const messages = [{ role: "user", content: "你好😀" }];
    expect(tokenizer.hasThinking).toBe(true);
    expect(tokenizer.render(messages, { addGenerationPrompt: true })).toBe(
      "<|im_start|>user\n你好😀<|im_end|>\n<|im_start|>assistant\n",
    );
    expect(tokenizer.render(messages, { addGenerationPrompt: true, enableThinking: false })).toContain("</think>");
    const ids = await tokenizer.encodeChat(messages);
    expect(ids[0]).toBe(tokenizer.addedTokens.get("<|im_start|>"));
    expect(tokenizer.decode(ids)).toBe("<|im_start|>user\n你好😀<|im_end|>\n");
  });

  test("ranges name the text of each token in UTF-16 units", async () => {
    const tokenizer = await Tokenizer.load(join(sharedData, "tokenizers/qwen3"));
    const text = "a😀b 你<|im_end|>";
    const { ids, ranges } = await tokenizer.encodeWithRanges(text);
    const whole = ids.map((id, i) => [tokenizer.tokenText(id), text.slice(...(ranges[i] ?? [0, 0]))]);
    expect(whole.filter(([token]) => !token?.includes("\uFFFD")).every(([token, part]) => token === part)).toBe(true);
    expect(ranges.at(-1)).toEqual([text.indexOf("<|im_end|>"), text.length]);
  });
});

// scripts/write-tokenizer-fixtures.py: what Python tokenizers gives.
test.each(["unigram-json", "wordpiece-json"])("%s: a tokenizer.json of another algorithm", async (name) => {
  const folder = resolve(import.meta.dirname, "../../test/fixtures/tokenizers", name);
  const Vectors = z.array(z.object({ text: z.string(), ids: z.array(z.int()), decoded: z.string() }));
  const rows = Vectors.parse(JSON.parse(await readFile(join(folder, "vectors.json"), "utf8")));
  const tokenizer = await Tokenizer.load(folder);
  for (const { text, ids, decoded } of rows) {
    expect(await tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(decoded);
  }
});

describe("a model folder", () => {
  const folder = async (files: Record<string, unknown>) => {
    const path = await mkdtemp(join(tmpdir(), "tokenizer-"));
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(path, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    return path;
  };
  const bpe = (merges: unknown) => ({
    version: "1.0",
    truncation: { direction: "Right", max_length: 2, strategy: "LongestFirst", stride: 0 },
    added_tokens: [
      { id: 3, content: "<e>", special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
    ],
    model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2, "<e>": 3 }, merges },
  });

  test.each([
    ["strings", ["a b"]],
    ["pairs", [["a", "b"]]],
  ])("may have merges as %s; lengths set for training do not cut", async (_, merges) => {
    const tokenizer = await Tokenizer.load(await folder({ "tokenizer.json": bpe(merges) }));
    expect(await tokenizer.encode("ababab")).toEqual([2, 2, 2]);
  });

  test("gives the end-of-text ids of generation_config.json before config.json, and the tokenizer's own", async () => {
    const files = {
      "tokenizer.json": bpe([]),
      "tokenizer_config.json": { eos_token: { content: "<e>" } },
      "config.json": { eos_token_id: 0 },
    };
    expect([...(await Tokenizer.load(await folder(files))).eosTokenIds]).toEqual([0, 3]);
    const path = await folder({ ...files, "generation_config.json": { eos_token_id: [1, 2] } });
    expect([...(await Tokenizer.load(path)).eosTokenIds]).toEqual([1, 2, 3]);
  });

  test("takes its template from chat_template.jinja before tokenizer_config.json, with tools from tool_use", async () => {
    const named = [
      { name: "default", template: "default" },
      { name: "tool_use", template: "tools" },
    ];
    const files = { "tokenizer.json": bpe([]), "tokenizer_config.json": { chat_template: named } };
    const both = await Tokenizer.load(await folder(files));
    expect(both.render([])).toBe("default");
    expect(both.render([], { tools: [{}] })).toBe("tools");
    const own = await Tokenizer.load(await folder({ ...files, "chat_template.jinja": "{{ eos_token }}own" }));
    expect(own.render([])).toBe("own");
  });

  test("takes further templates from additional_chat_templates, each by its name", async () => {
    const path = await folder({ "tokenizer.json": bpe([]), "chat_template.jinja": "default" });
    await mkdir(join(path, "additional_chat_templates"));
    await writeFile(join(path, "additional_chat_templates", "rag.jinja"), "{{ documents[0] }}");
    await writeFile(join(path, "additional_chat_templates", "tool_use.jinja"), "tools");
    const tokenizer = await Tokenizer.load(path);
    expect(tokenizer.templateNames.sort()).toEqual(["default", "rag", "tool_use"]);
    expect(tokenizer.render([])).toBe("default");
    expect(tokenizer.render([], { tools: [{}] })).toBe("tools");
    expect(tokenizer.render([], { tools: [{}], template: "default" })).toBe("default");
    const documents = { template: "rag", templateVariables: { documents: ["page 1"] } };
    expect(tokenizer.render([], documents)).toBe("page 1");
    expect(() => tokenizer.render([], { template: "other" })).toThrow(/no chat template called "other".*rag/);
  });

  test("renders arguments of tool calls that are JSON text as values, unless told to keep them", async () => {
    const jinja = "{{ messages[0].tool_calls[0].function.arguments | tojson }}";
    const tokenizer = await Tokenizer.load(await folder({ "tokenizer.json": bpe([]), "chat_template.jinja": jinja }));
    const call = { function: { name: "add", arguments: '{"a": 1}' } };
    const messages = [{ role: "assistant", content: "", tool_calls: [call] }];
    expect(tokenizer.render(messages)).toBe('{"a": 1}');
    expect(tokenizer.render(messages, { keepArguments: true })).toBe('"{\\"a\\": 1}"');
  });

  test("that cannot be used is answered with what is wrong", async () => {
    await expect(Tokenizer.load(await folder({}))).rejects.toThrow(/there is no tokenizer.json/);
    await expect(Tokenizer.load(await folder({ "tokenizer.model": "x" }))).rejects.toThrow(
      /tokenizer.model cannot be used/,
    );
    await expect(Tokenizer.load(await folder({ "tokenizer.json": "{" }))).rejects.toThrow(
      /tokenizer.json cannot be used/,
    );
    await expect(
      Tokenizer.load(await folder({ "tokenizer.json": bpe([]), "config.json": { eos_token_id: "x" } })),
    ).rejects.toThrow(/config.json cannot be used/);
  });
});
