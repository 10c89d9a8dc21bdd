import { resetPeakMemory } from "../../../dist/core/memory.js";
import { BatchScheduler } from "../../../dist/generate/batch-scheduler.js";
import { greedy } from "../../../dist/generate/sampler.js";
import { loadModel } from "../../../dist/models/load.js";
import { PagedCache } from "../../../dist/models/paged-cache.js";

/** Greedy tokens after the first of some prompts, then of more, together: seconds to the first one of each row, and for all others. */
export async function measure({ model: folder, dtype, prompts, counts, tokens }) {
  const model = loadModel(folder, { dtype });
  resetPeakMemory();
  await together(model, [prompts[0].slice(0, 8)], 2);
  const batches = [];
  for (const rows of counts) batches.push({ rows, ...(await together(model, prompts.slice(0, rows), tokens)) });
  const ids = batches.flatMap((batch) => batch.ids);
  return { batches: batches.map(({ rows, prefill, decode }) => ({ rows, prefill, decode })), ids };
}

/** All prompts in the first pass, then a token of each in every pass. */
async function together(model, prompts, tokens) {
  const scheduler = new BatchScheduler(model, {
    maxPages: prompts.length * PagedCache.pagesFor(prompts[0].length + tokens + 1),
    maxPrefixPages: 0,
    prefillStepSize: prompts.flat().length,
  });
  for (const prompt of prompts) scheduler.add({ prompt, sampling: greedy, maxTokens: tokens + 1, seed: 0 });
  const ids = [];
  const start = performance.now();
  let first = start;
  while (!scheduler.isIdle) {
    ids.push(...(await scheduler.step()).map(({ id }) => id));
    if (first === start) first = performance.now();
  }
  scheduler.dispose();
  return { prefill: (first - start) / 1000, decode: (performance.now() - first) / 1000, ids };
}
