import { readFileSync } from "node:fs";
import { z } from "zod";

// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, the metadata.

export const GgufVocabulary = z.looseObject({
  "tokenizer.ggml.tokens": z.array(z.string()),
  "tokenizer.ggml.token_type": z.array(z.int()),
  "tokenizer.ggml.scores": z.array(z.number()).optional(),
  "tokenizer.ggml.merges": z.array(z.string()).optional(),
});

/** The vocabulary in a GGUF file's metadata. */
export function ggufVocabulary(path: string): z.infer<typeof GgufVocabulary> {
  const file = readFileSync(path);
  let at = 0;
  const take = (bytes: number): number => {
    at += bytes;
    return at - bytes;
  };
  const length = (): number => Number(file.readBigUInt64LE(take(8)));
  const text = (): string => {
    const size = length();
    return file.toString("utf8", take(size), at);
  };
  const value = (type: number): unknown => {
    if (type === 8) return text();
    if (type === 9) {
      const of = file.readUInt32LE(take(4));
      return Array.from({ length: length() }, () => value(of));
    }
    if (type === 6) return file.readFloatLE(take(4));
    if (type === 5) return file.readInt32LE(take(4));
    const bytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][type] ?? 0;
    return file.readUIntLE(take(bytes), Math.min(bytes, 6));
  };
  take(8);
  length(); // tensors
  const entries = Array.from({ length: length() }, () => {
    const key = text();
    return [key, value(file.readUInt32LE(take(4)))] as const;
  });
  return GgufVocabulary.parse(Object.fromEntries(entries));
}
