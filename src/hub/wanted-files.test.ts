import { expect, test } from "vitest";
import { matchingFiles, wantedFiles } from "./wanted-files.ts";

const files = (...paths: string[]) => paths.map((path) => ({ path, size: 1 }));
const names = (found: readonly { path: string }[]) => found.map(({ path }) => path);

test("of a model come safetensors, config, tokenizer and papers, not copies in other formats", () => {
  const model = files(
    ".gitattributes",
    "LICENSE",
    "README.md",
    "config.json",
    "generation_config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "consolidated.safetensors",
    "original/consolidated.00.pth",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "q4.gguf",
    "onnx/model.onnx",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "chat_template.jinja",
    "qwen.tiktoken",
    "merges.txt",
    "figure.png",
  );
  const { needed, extra } = wantedFiles(model, "model");
  expect(names(needed)).toEqual([
    "config.json",
    "generation_config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "chat_template.jinja",
    "qwen.tiktoken",
    "merges.txt",
  ]);
  expect(names(extra)).toEqual(["LICENSE", "README.md"]);
});

test("of a data set come train, valid and test where it has them, else everything", () => {
  const ready = wantedFiles(files("train.jsonl", "valid.jsonl", "raw/a.parquet", "README.md"), "dataset");
  expect([names(ready.needed), names(ready.extra)]).toEqual([["train.jsonl", "valid.jsonl"], ["README.md"]]);
  const raw = wantedFiles(files("a.parquet", "b/c.csv", ".gitattributes", "README.md"), "dataset");
  expect([names(raw.needed), names(raw.extra)]).toEqual([["a.parquet", "b/c.csv", "README.md"], []]);
});

test("patterns match whole paths, and only * is special", () => {
  const all = files("a.gguf", "b/a.gguf", "a+gguf", "x.json");
  expect(names(matchingFiles(all, ["*.gguf"]).needed)).toEqual(["a.gguf", "b/a.gguf"]);
  expect(names(matchingFiles(all, ["x.json", "b/*"]).needed)).toEqual(["b/a.gguf", "x.json"]);
});
