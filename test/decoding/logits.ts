import type { KeyValueStore } from "../../src/core/head-attention.ts";
import { integers, tensor } from "../../src/core/ops.ts";
import { scope } from "../../src/core/scope.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { evaluate } from "../../src/core/transforms.ts";
import type { LanguageModel } from "../../src/models/language-model.ts";

// L tokens · V vocabulary

/** Logits [L, V] of a whole text in one pass, without a cache. */
export function fullForward(model: LanguageModel, ids: readonly number[]): number[] {
  return read(() => model.forward(integers(ids, [1, ids.length])));
}

/** The same where token i sees token j only if `sees(i, j)`. */
export function maskedForward(
  model: LanguageModel,
  ids: readonly number[],
  sees: (i: number, j: number) => boolean,
): number[] {
  return read(() => {
    const flags = ids.flatMap((_, i) => ids.map((_, j) => Number(sees(i, j))));
    const mask = tensor(flags).greater(0.5).reshape(ids.length, ids.length);
    const embedded = model.embed(integers(ids, [1, ids.length]));
    return model.logits(model.normalize(model.blocks.reduce((h, block) => block.forward(h, mask), embedded)));
  });
}

/** Logits of a text that is fed `sizes` tokens at a time over `cache`. `after`: runs between two parts. */
export function inParts(
  model: LanguageModel,
  ids: readonly number[],
  sizes: readonly number[],
  cache: readonly (KeyValueStore & { readonly state?: readonly Tensor[] })[],
  after: (part: number) => void = () => undefined,
): number[] {
  let start = 0;
  return sizes.flatMap((size, part) => {
    const chunk = ids.slice(start, start + size);
    start += size;
    const logits = read(() => model.forward(integers(chunk, [1, size]), cache));
    evaluate(cache.flatMap(({ state = [] }) => state));
    after(part);
    return logits;
  });
}

/** `total` in parts of one token each. */
export function singles(total: number): number[] {
  return Array<number>(total).fill(1);
}

function read(body: () => Tensor): number[] {
  const logits = scope(() => body().astype("float32"));
  const values = logits.toArray();
  logits.dispose();
  return values;
}
