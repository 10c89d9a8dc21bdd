import { defaultDevice } from "../core/device.ts";
import { integers, type Quantization } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval } from "../core/transforms.ts";
import type { Cache } from "../models/cache.ts";
import { causalMask, type LanguageModel } from "../models/language-model.ts";

// L tokens of a part · D hidden

/** Keys and values are packed once there are more tokens than `from`. */
export interface CachePacking {
  quantization: Quantization;
  from: number;
}

/** How much of a prompt is computed. */
export interface PromptProgress {
  tokens: number;
  total: number;
}

export interface PrefillOptions {
  /** Tokens computed at once. */
  stepSize: number;
  packing?: CachePacking | undefined;
  /** Aborting it ends the work after the block of the model that is being computed. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: PromptProgress) => void) | undefined;
}

/** From so many tokens on a part is computed block by block, to be told of and stopped between two; on a GPU fewer are quick. */
const watchedTokens = { cpu: 16, gpu: 512 };

/**
 * Computes a prompt into the cache, part by part, and returns the normalized hidden state of its last token [1, D], not
 * evaluated yet, for the caller to free. Undefined when it was aborted: the cache then has the parts before.
 */
export async function prefill(
  model: LanguageModel,
  prompt: readonly number[],
  cache: readonly Cache[],
  { stepSize, packing, signal, onProgress }: PrefillOptions,
): Promise<Tensor | undefined> {
  if (prompt.length === 0) throw new Error("a prompt has tokens");
  for (let start = 0; start < prompt.length && !signal?.aborted; start += stepSize) {
    const part = prompt.slice(start, start + stepSize);
    const told = (share: number) =>
      onProgress?.({ tokens: start + Math.floor(part.length * share), total: prompt.length });
    const h = await throughBlocks(model, part, cache, { packing, signal, told });
    if (!h) return undefined;
    const isLast = start + part.length === prompt.length;
    const last = isLast ? scope(() => model.normalize(lastOf(h))) : undefined;
    h.dispose();
    if (last) return last;
    await asyncEval(stateOf(cache));
  }
  return undefined;
}

/** What the last block gives for a part [1, L, D], its own output not evaluated yet; undefined when it was aborted. */
async function throughBlocks(
  model: LanguageModel,
  part: readonly number[],
  cache: readonly Cache[],
  { packing, signal, told }: Pick<PrefillOptions, "packing" | "signal"> & { told(share: number): void },
): Promise<Tensor | undefined> {
  const isWatched = part.length >= watchedTokens[defaultDevice()];
  let h = scope(() => model.embed(integers(part, [1, part.length])));
  for (const [i, block] of model.blocks.entries()) {
    const input = h;
    try {
      h = scope(() => {
        const output = block.forward(input, causalMask(input), cache[i]);
        pack(cache.slice(i, i + 1), packing);
        return output;
      });
    } finally {
      input.dispose();
    }
    if (!isWatched) continue;
    await asyncEval(i + 1 < cache.length ? h : undefined, cache[i]?.state);
    told((i + 1) / cache.length);
    if (!signal?.aborted || i + 1 === cache.length) continue;
    h.dispose();
    forget(cache, i + 1, part.length);
    return undefined;
  }
  return h;
}

/** Takes the last `count` tokens back out of the first `layers` caches, or empties all where tokens before these are lost. */
function forget(cache: readonly Cache[], layers: number, count: number): void {
  const ahead = cache.slice(0, layers);
  if (ahead.every((layer) => layer.canTrim(count))) for (const layer of ahead) layer.trim(count);
  else for (const layer of cache) layer.dispose();
}

/** [1, L, D] → [1, D] of the last position: what follows computes one row only. */
export function lastOf(hidden: Tensor): Tensor {
  return hidden.at(1, -1);
}

export function pack(cache: readonly Cache[], packing: CachePacking | undefined): void {
  for (const layer of cache) {
    if (packing && !layer.isPacked && layer.offset > packing.from) layer.pack(packing.quantization);
  }
}

export function stateOf(cache: readonly Cache[]): Tensor[] {
  return cache.flatMap((layer) => layer.state);
}
