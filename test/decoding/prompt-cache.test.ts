import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { generateTokens } from "../../src/generate/generate.ts";
import { greedy } from "../../src/generate/sampler.ts";
import { KVCache } from "../../src/models/cache.ts";
import type { LanguageModel } from "../../src/models/language-model.ts";
import { loadPromptCache, savePromptCache } from "../../src/models/prompt-cache.ts";
import { relativeDifference } from "../parity/fixtures.ts";
import { onEachModel, someIds } from "./decoding-models.ts";
import { fullForward, inParts, singles } from "./logits.ts";

/** float32: the same sums in another order; 1e-6 was seen. */
const exact = 1e-5;

const folder = mkdtempSync(join(tmpdir(), "cygnet-prompt-cache-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "prompt.safetensors");
const [kept, total] = [12, 20];

function prefilled(model: LanguageModel, tokens: number[]): KVCache[] {
  const layers = model.blocks.map(() => new KVCache());
  inParts(model, tokens, [7, tokens.length - 7], layers);
  return layers;
}

onEachModel((model) => {
  const ids = someIds(model, total);

  test("a saved prompt goes on bit for bit as the one that was computed, and as the full forward", () => {
    const tokens = ids.slice(0, kept);
    const layers = prefilled(model, tokens);
    savePromptCache(path, { tokens, layers }, "a model");
    const loaded = loadPromptCache(path, model, "a model");
    const rest = ids.slice(kept);
    const sizes = [5, ...singles(total - kept - 5)];
    const found = inParts(model, rest, sizes, loaded.layers);
    expect(found).toEqual(inParts(model, rest, sizes, layers));
    const whole = fullForward(model, ids).slice(kept * model.config.vocab_size);
    expect(relativeDifference(found, whole)).toBeLessThan(exact);
    for (const layer of [...layers, ...loaded.layers]) layer.dispose();
  });

  test("what another prompt shares with it is used, and the rest forgotten", async () => {
    const tokens = ids.slice(0, kept);
    const layers = prefilled(model, tokens);
    savePromptCache(path, { tokens, layers }, "a model");
    const other = [...ids.slice(0, 9), ...someIds(model, 6, 11)];
    const { layers: cache } = loadPromptCache(path, model, "a model");
    for (const layer of cache) layer.trim(kept - 9);
    const [afresh, reused]: [number[], number[]] = [[], []];
    const options = { sampling: greedy, maxTokens: 10 };
    for await (const { id } of generateTokens(model, other, options)) afresh.push(id);
    for await (const { id } of generateTokens(model, other.slice(9), { ...options, cache })) reused.push(id);
    expect(reused).toEqual(afresh);
    for (const layer of [...layers, ...cache]) layer.dispose();
  });
});
