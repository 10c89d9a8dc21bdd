import * as fast from "../core/fast.ts";
import { integers } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";

// B rows · L tokens of a row · N = B · (L − 1) predicted tokens · D hidden · V vocabulary

/** What predicts: a model, or one that is made so before each call. */
export type Predictor = Pick<LanguageModel, "hidden" | "logits" | "config">;

/** Logits that are in memory at once. */
const chunkBytes = 128 * 2 ** 20;

export interface Perplexity {
  /** e to the mean loss. */
  perplexity: number;
  /** Of the perplexity: that of the mean loss times the perplexity (delta method), as mlx-lm states it. */
  standardError: number;
  /** Mean cross-entropy in nats. */
  loss: number;
  /** Predicted tokens. */
  tokens: number;
}

/** How well `model` predicts each token of each row from those before it. */
export async function evaluatePerplexity(
  model: LanguageModel,
  rows: readonly number[][],
  { batchSize }: { batchSize: number },
): Promise<Perplexity> {
  const losses: number[] = [];
  for (const batch of batchesOf(rows, batchSize)) losses.push(...(await tokenLosses(model, batch)));
  return perplexityOf(losses);
}

export function perplexityOf(losses: readonly number[]): Perplexity {
  const tokens = losses.length;
  const loss = losses.reduce((sum, each) => sum + each, 0) / tokens;
  const squares = losses.reduce((sum, each) => sum + (each - loss) ** 2, 0);
  const perplexity = Math.exp(loss);
  const standardError = tokens > 1 ? perplexity * Math.sqrt(squares / (tokens - 1) / tokens) : Number.NaN;
  return { perplexity, standardError, loss, tokens };
}

/** Rows of one length, `batchSize` at a time. */
function batchesOf(rows: readonly number[][], batchSize: number): number[][][] {
  const batches: number[][][] = [];
  for (const row of rows) {
    const last = batches.at(-1);
    if (last && last.length < batchSize && last[0]?.length === row.length) last.push(row);
    else batches.push([row]);
  }
  return batches;
}

async function tokenLosses(model: LanguageModel, rows: readonly number[][]): Promise<number[]> {
  const losses: number[] = [];
  const { hidden, targets } = await predictions(model, rows);
  for (const [start, stop] of chunksOf(model, targets.length)) {
    const chunk = scope(() => {
      const logits = model.logits(hidden.slice(0, start, stop)).astype("float32");
      return fast.crossEntropy(logits, integers(targets.slice(start, stop)));
    });
    await asyncEval(chunk);
    losses.push(...chunk.toArray());
    chunk.dispose();
  }
  hidden.dispose();
  return losses;
}

/** The hidden states [N, D] of all tokens of `rows` but each one's last, and the tokens that follow. */
export async function predictions(
  model: Predictor,
  rows: readonly number[][],
): Promise<{ hidden: Tensor; targets: number[] }> {
  const width = (rows[0]?.length ?? 1) - 1;
  const inputs = rows.flatMap((row) => row.slice(0, width));
  const hidden = scope(() => model.hidden(integers(inputs, [rows.length, width])).reshape(inputs.length, -1));
  await asyncEval(hidden);
  return { hidden, targets: rows.flatMap((row) => row.slice(1)) };
}

/** Stretches of `count` positions whose logits fit in memory. */
export function chunksOf(model: Predictor, count: number): [start: number, stop: number][] {
  const size = Math.max(16, Math.floor(chunkBytes / (4 * model.config.vocab_size)));
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => [i * size, Math.min((i + 1) * size, count)]);
}
