import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedData } from "./shared-data.ts";

/** The path of a vocabulary among llama.cpp's, in the real data. */
export function llamaCppVocabulary(family: string): string {
  return join(sharedData, "llama.cpp-vocab", `ggml-vocab-${family}.gguf`);
}

/** llama.cpp's texts for a vocabulary, with the ids of each. */
export function llamaCppVectors(family: string): { text: string; ids: number[] }[] {
  const path = llamaCppVocabulary(family);
  const lines = readFileSync(`${path}.out`, "utf8").split("\n");
  const texts = readFileSync(`${path}.inp`, "utf8").split("\n__ggml_vocab_test__\n");
  return texts.map((text, i) => ({ text, ids: (lines[i] ?? "").trim().split(/\s+/).filter(Boolean).map(Number) }));
}
