import { readRows } from "../data/dataset.ts";
import { readUtf8 } from "../data/json-lines.ts";
import { tokenizeRows } from "../data/sample.ts";
import { UserError } from "../protocol/user-error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/**
 * The tokens of a file in order: of a .jsonl file the training samples of its rows, one after the other; of any other the
 * text as it is.
 */
export async function tokensOfFile(path: string, tokenizer: Tokenizer): Promise<number[]> {
  const text = await readUtf8(path);
  if (text === undefined) throw new UserError("data/no-file", { path });
  if (!path.endsWith(".jsonl")) return tokenizer.encode(text);
  const { samples } = await tokenizeRows(await readRows(path), tokenizer);
  return samples.flatMap(({ ids }) => ids);
}

/**
 * Tokens cut into rows of `length`; at most `count` of them, or all when it is negative. Unlike mlx-lm, what is left at the
 * end is a shorter row, so that a short text counts too.
 */
export function cutRows(tokens: readonly number[], length: number, count: number): number[][] {
  const rows: number[][] = [];
  for (let start = 0; start < tokens.length && (count < 0 || rows.length < count); start += length) {
    const row = tokens.slice(start, start + length);
    if (row.length > 1) rows.push(row);
  }
  return rows;
}

/** @throws UserError when there is nothing to predict, or a token that the model does not know. */
export function requireRows(rows: readonly number[][], vocabulary: number, source: string): void {
  if (rows.length === 0) throw new UserError("evaluate/no-tokens", { source });
  const foreign = rows.flat().find((id) => id >= vocabulary);
  if (foreign !== undefined) {
    throw new UserError("trainer/token-outside-vocabulary", { id: foreign, size: vocabulary, row: source });
  }
}
