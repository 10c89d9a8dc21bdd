import { type AttentionRule, attentionKernel, hasAttentionKernel, type KernelExtras, type Texts } from "./attention.ts";
import * as fast from "./fast.ts";
import { concatenate } from "./ops.ts";
import type { Tensor } from "./tensor.ts";

// B batch · L tokens · H query heads · K key/value heads · S keys · E head size

/** Keys and values of the tokens so far. */
export interface KeyValueStore {
  /** Tokens seen: the position of the next one. */
  readonly offset: number;
  /** Stores k, v: [B, K, L, E] and returns those that the new tokens see, theirs last: [B, K, S, E]. */
  append(k: Tensor, v: Tensor): [keys: Tensor, values: Tensor];
  /** Which of `keys` the latest `length` tokens see, [length, keys], where that is not all up to their own place. */
  seen?(length: number, keys: number): Tensor | undefined;
  /** Whether keys and values lie in buffers [B, K, capacity, E] in their order, into which a kernel writes: the two below. */
  readonly inPlace: boolean;
  /** The buffers of keys and of values, with room for new tokens. like: [B, K, L, E] */
  reserve?(like: Pick<Tensor, "shape" | "dtype">): readonly Tensor[];
  /** Takes these, with `length` more tokens in them, in the place of the buffers that were reserved. */
  replace?(keys: Tensor, values: Tensor, length: number): void;
  /** The row of tokens holds several texts, and the buffers are pages. */
  readonly texts?: Texts | undefined;
  /** As `append`, for each of them. */
  appendTexts?(parts: readonly (readonly [k: Tensor, v: Tensor])[]): [keys: Tensor, values: Tensor][];
}

export interface HeadAttention extends AttentionRule {
  heads: number;
  kvHeads: number;
  /** RMSNorm of each head's queries and keys: weights [E]. */
  norms?: { q: Tensor; k: Tensor; eps: number } | undefined;
  rope?: fast.RopeOptions | undefined;
  /** Tokens before these, which are seen too and to which these are added. */
  cache?: KeyValueStore | undefined;
}

/**
 * What lies between the projections of a block: norms and rotation of heads, the cache, attention.
 * q: [B, L, H · E] · k, v: [B, L, K · E] → [B, L, H · E]. One kernel on a CPU; without a cache it has gradients.
 */
export function headAttention(q: Tensor, k: Tensor, v: Tensor, options: HeadAttention): Tensor {
  return fused(q, k, v, options) ?? composed(q, k, v, options);
}

function fused(q: Tensor, k: Tensor, v: Tensor, options: HeadAttention): Tensor | undefined {
  const { heads, kvHeads, rope, cache } = options;
  const [batch = 0, length = 0, width = 0] = q.shape;
  const size = width / heads;
  if (!hasAttentionKernel(q, k, v, size) || (rope && !rope.frequencies) || cache?.inPlace === false) return undefined;
  const buffers = cache?.reserve?.({ shape: [batch, kvHeads, length, size], dtype: k.dtype });
  const [out, keys, values] = attentionKernel([q, k, v], options, kernelExtras(options, buffers));
  if (keys && values) cache?.replace?.(keys, values, length);
  return out;
}

/** What our kernels take beside q, k, v; `buffers` are the cache's. */
export function kernelExtras(
  { heads, kvHeads, norms, rope, cache }: HeadAttention,
  buffers: readonly Tensor[] | undefined,
): KernelExtras {
  const { frequencies, traditional = false } = rope ?? {};
  return {
    heads,
    kvHeads,
    norms,
    rope: frequencies && { frequencies, traditional },
    cache: buffers,
    offset: cache?.offset ?? 0,
    texts: cache?.texts,
  };
}

function composed(q: Tensor, k: Tensor, v: Tensor, options: HeadAttention): Tensor {
  const { cache, mask } = options;
  if (cache?.texts) return textByText([q, k, v], options, cache.texts);
  const { queries, newKeys, newValues } = heads(q, k, v, options, cache?.offset ?? 0);
  const [keys, values] = cache ? cache.append(newKeys, newValues) : [newKeys, newValues];
  return attended(queries, keys, values, { ...options, mask: cache?.seen?.(q.dim(1), keys.dim(2)) ?? mask });
}

/** All texts are written before any is read: a buffer that is still to be read would be copied to be written. */
function textByText(qkv: readonly [Tensor, Tensor, Tensor], options: HeadAttention, texts: Texts): Tensor {
  let end = 0;
  const parts = texts.all.map(({ count, past }) => {
    const begin = end;
    end += count;
    const own = (x: Tensor): Tensor => x.slice(1, begin, end);
    return heads(own(qkv[0]), own(qkv[1]), own(qkv[2]), options, past);
  });
  const stored =
    options.cache?.appendTexts?.(parts.map(({ newKeys, newValues }) => [newKeys, newValues] as const)) ?? [];
  const out = parts.map(({ queries }, i) => {
    const [keys, values] = stored[i] ?? [];
    if (!keys || !values) throw new Error("a cache with texts stores each");
    return attended(queries, keys, values, options);
  });
  return concatenate(out, 1);
}

/** Norms and rotation, the first token at position `offset`. */
function heads(q: Tensor, k: Tensor, v: Tensor, options: HeadAttention, offset: number) {
  const { heads, kvHeads, norms, rope } = options;
  const prepared = (x: Tensor, weight: Tensor | undefined): Tensor => {
    const first = headsFirst(norms ? fast.rmsNorm(x, weight, norms.eps) : x);
    return rope ? fast.rope(first, offset, rope) : first;
  };
  return {
    queries: prepared(splitHeads(q, heads), norms?.q), // [B, H, L, E]
    newKeys: prepared(splitHeads(k, kvHeads), norms?.k), // [B, K, L, E]
    newValues: headsFirst(splitHeads(v, kvHeads)),
  };
}

/** queries: [B, H, L, E] · keys, values: [B, K, S, E] → [B, L, H · E] */
function attended(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  { scale, mask, window, softCap }: AttentionRule,
): Tensor {
  const [batch = 0, heads = 0, length = 0, size = 0] = queries.shape;
  return fast
    .scaledDotProductAttention(queries, keys, values, { scale, mask, window, softCap })
    .transpose(0, 2, 1, 3)
    .reshape(batch, length, heads * size);
}

/** [B, L, heads · E] → [B, L, heads, E] */
function splitHeads(x: Tensor, heads: number): Tensor {
  return x.reshape(x.dim(0), x.dim(1), heads, x.dim(2) / heads);
}

/** [B, L, heads, E] → [B, heads, L, E] */
function headsFirst(x: Tensor): Tensor {
  return x.transpose(0, 2, 1, 3);
}
