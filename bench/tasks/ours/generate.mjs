import { resetPeakMemory } from "../../../dist/core/memory.js";
import { generateTokens } from "../../../dist/generate/generate.js";
import { greedy } from "../../../dist/generate/sampler.js";
import { loadModel } from "../../../dist/models/load.js";

/** Greedy tokens after a prompt: seconds to the first one, and seconds for all others. */
export async function measure({ model: folder, dtype, prompt, tokens, repeats }) {
  const model = loadModel(folder, { dtype });
  resetPeakMemory();
  for await (const _ of generateTokens(model, prompt.slice(0, 8), { sampling: greedy, maxTokens: 2 }));
  const prefill = [];
  const decode = [];
  let ids = [];
  for (let i = 0; i < repeats; i++) {
    ids = [];
    const start = performance.now();
    let first = start;
    for await (const { id } of generateTokens(model, prompt, { sampling: greedy, maxTokens: tokens + 1 })) {
      if (ids.length === 0) first = performance.now();
      ids.push(id);
    }
    prefill.push((first - start) / 1000);
    decode.push((performance.now() - first) / 1000);
  }
  return { prefill, decode, ids };
}
