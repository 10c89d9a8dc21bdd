import { resetPeakMemory } from "../../../dist/core/memory.js";
import { generateBatch } from "../../../dist/generate/batch.js";
import { greedy } from "../../../dist/generate/sampler.js";
import { loadModel } from "../../../dist/models/load.js";

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

async function together(model, prompts, tokens) {
  const ids = [];
  const start = performance.now();
  let first = start;
  for await (const step of generateBatch(model, prompts, { sampling: greedy, maxTokens: tokens + 1, seed: 0 })) {
    if (ids.length === 0) first = performance.now();
    ids.push(...step.map(({ id }) => id));
  }
  return { prefill: (first - start) / 1000, decode: (performance.now() - first) / 1000, ids };
}
