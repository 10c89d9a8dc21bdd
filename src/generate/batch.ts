import { sample } from "../core/kernels.ts";
import { concatenate, integers } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import { BatchKVCache } from "../models/batch-cache.ts";
import { KVCache } from "../models/cache.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { GeneratedToken } from "./generate.ts";
import { lastOf, type PromptProgress, prefill, stateOf } from "./prefill.ts";
import { type Choice, Sampler, type Sampling } from "./sampler.ts";

// B rows that still go on · V vocabulary

export interface BatchOptions {
  sampling: Sampling;
  maxTokens: number;
  /** Each row draws as if it were alone with this seed. */
  seed: number;
  prefillStepSize?: number;
  signal?: AbortSignal | undefined;
  /** Told of the tokens of all prompts as they are computed. */
  onPrompt?: ((progress: PromptProgress) => void) | undefined;
}

export interface BatchToken extends GeneratedToken {
  /** Which prompt it continues. */
  row: number;
}

/** A row that goes on, with what is its own. */
interface Row {
  row: number;
  sampler: Sampler;
  draws: random.Sequence;
  cache: KVCache[];
}

/**
 * Tokens that continue several prompts together, step by step, one of each row that still goes on; `next(ended)` takes the rows
 * that need no more. Prompts are computed one by one; then each step reads the weights once for all rows. A row's tokens do not
 * depend on the others, but for what half precision rounds otherwise in a row alone: a draw between two tokens can tip over.
 */
export async function* generateBatch(
  model: LanguageModel,
  prompts: readonly (readonly number[])[],
  { sampling, maxTokens, seed, prefillStepSize = 2048, signal, onPrompt }: BatchOptions,
): AsyncGenerator<BatchToken[], void, ReadonlySet<number> | undefined> {
  const all = prompts.map((_, row): Row => {
    const sampler = new Sampler(sampling, model.config.vocab_size);
    return { row, sampler, draws: new random.Sequence(seed), cache: model.blocks.map(() => new KVCache()) };
  });
  let caches: BatchKVCache[] = [];
  try {
    let rows = all;
    let tokens: BatchToken[] = [];
    const total = prompts.reduce((sum, { length }) => sum + length, 0);
    let before = 0;
    for (const row of rows) {
      const prompt = prompts[row.row] ?? [];
      row.sampler.begin(prompt);
      const onProgress = (now: PromptProgress) => onPrompt?.({ tokens: before + now.tokens, total });
      const last = await prefill(model, prompt, row.cache, { stepSize: prefillStepSize, signal, onProgress });
      if (!last) return;
      before += prompt.length;
      const choice = scope(() => choose(model.logits(last), [row]));
      last.dispose();
      tokens.push(...(await read(choice, [row], stateOf(row.cache))));
    }
    if (rows.length > 0) {
      caches = model.blocks.map((_, i) => scope(() => new BatchKVCache(rows.flatMap(({ cache }) => cache[i] ?? []))));
      for (const { cache } of all) for (const layer of cache) layer.dispose();
    }
    for (let count = 1; ; count++) {
      const ended = yield tokens;
      const going = rows.flatMap(({ row }, place) => (ended?.has(row) ? [] : [place]));
      if (going.length === 0 || count >= maxTokens || signal?.aborted) return;
      if (going.length < rows.length) {
        rows = going.flatMap((place) => rows[place] ?? []);
        tokens = going.flatMap((place) => tokens[place] ?? []);
        for (const layer of caches) scope(() => layer.keepRows(going));
      }
      const ids = tokens.map(({ id }) => id);
      const choice = scope(() =>
        choose(model.logits(lastOf(model.hidden(integers(ids, [ids.length, 1]), caches))), rows),
      );
      tokens = await read(
        choice,
        rows,
        caches.flatMap((layer) => layer.state),
      );
    }
  } finally {
    for (const layer of caches) layer.dispose();
    for (const { sampler, draws, cache } of all) {
      sampler.dispose();
      draws.dispose();
      for (const layer of cache) layer.dispose();
    }
  }
}

/** logits: [B, V], a row for each of `rows` */
function choose(logits: Tensor, rows: readonly Row[]): Choice {
  const [first] = rows;
  const alike = first?.sampler.kernelOptions;
  const words = () =>
    concatenate(
      rows.map(({ draws }) => random.bits([1, 2], draws.nextKey())),
      0,
    );
  const together = alike && sample(logits, alike, words);
  if (together) return together;
  const choices = rows.map(({ sampler, draws }, i) => sampler.choose(logits.slice(0, i, i + 1), () => draws.nextKey()));
  return {
    ids: concatenate(
      choices.map(({ ids }) => ids),
      0,
    ),
    logprobs: concatenate(
      choices.map(({ logprobs }) => logprobs),
      0,
    ),
  };
}

async function read(choice: Choice, rows: readonly Row[], state: readonly Tensor[]): Promise<BatchToken[]> {
  const own = rows.flatMap(({ sampler, draws }) => [...sampler.state, draws.state]);
  await asyncEval(choice.ids, choice.logprobs, state, own);
  const [ids, logprobs] = [choice.ids.toArray(), choice.logprobs.toArray()];
  choice.ids.dispose();
  choice.logprobs.dispose();
  return rows.map(({ row }, i) => ({ row, id: ids[i] ?? 0, logprob: logprobs[i] ?? Number.NaN }));
}
