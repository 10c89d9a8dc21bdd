import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { evaluatePerplexity } from "../../src/evaluate/perplexity.ts";
import { cutRows, tokensOfFile } from "../../src/evaluate/token-rows.ts";
import { loadModel } from "../../src/models/load.ts";
import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { loadAdapter } from "../../src/tuner/load-adapter.ts";
import { parity, read } from "./fixtures.ts";

const Case = z.object({
  model: z.string(),
  data: z.string(),
  adapter: z.string().nullable(),
  sequence_length: z.int(),
  rows: z.int(),
  perplexity: z.number(),
  standard_error: z.number(),
});

test.each(read("perplexity.json", z.array(Case)))("perplexity is mlx-lm's: $model $adapter", async (expected) => {
  const folder = join(parity, expected.model);
  const tokens = await tokensOfFile(join(parity, expected.data), await Tokenizer.load(folder));
  const rows = cutRows(tokens, expected.sequence_length, expected.rows);
  expect(rows.at(-1)?.length).toBe(expected.sequence_length);
  const model = loadModel(folder, { dtype: "float32" });
  if (expected.adapter !== null) loadAdapter(model, join(parity, expected.adapter));
  const found = await evaluatePerplexity(model.train(false), rows, { batchSize: 8 });
  expect(Math.abs(found.perplexity / expected.perplexity - 1)).toBeLessThan(1e-5);
  expect(Math.abs(found.standardError / expected.standard_error - 1)).toBeLessThan(1e-4);
});
