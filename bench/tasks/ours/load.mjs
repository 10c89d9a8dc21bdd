import { generateTokens } from "../../../dist/generate/generate.js";
import { greedy } from "../../../dist/generate/sampler.js";
import { loadModel } from "../../../dist/models/load.js";

/** Seconds to load the model, and from the start of the process to the first token. */
export async function measure({ model: folder, dtype, prompt, startedAt }) {
  const start = performance.now();
  const model = loadModel(folder, { dtype });
  const load = (performance.now() - start) / 1000;
  for await (const _ of generateTokens(model, prompt, { sampling: greedy, maxTokens: 1 }));
  return { load, first: (Date.now() - startedAt) / 1000 };
}
