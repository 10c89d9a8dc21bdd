import { type Handle, native } from "../native/binding.ts";
import { hasCpuKernels, maxHeadSize } from "./kernels.ts";
import { arange, handles, scalar, softmax, tanh, where } from "./ops.ts";
import { Tensor } from "./tensor.ts";

// B batch · H query heads · K key/value heads · L queries · S keys · E head size

/** Which keys a query sees: all, those up to its own place (aligned at the end), or where a boolean or additive tensor says. */
export type AttentionMask = "none" | "causal" | Tensor;

/** What becomes of scores. */
export interface AttentionRule {
  /** Multiplies q kᵀ. */
  scale: number;
  /** A tensor broadcasts to [B, H, L, S]. */
  mask: AttentionMask;
  /** A query sees so many keys, its own the last. */
  window?: number | undefined;
  /** Scores become cap · tanh(score / cap) before the mask. Gemma 2, arXiv:2408.00118, section 2. */
  softCap?: number | undefined;
}

/** What our kernel takes beside q, k, v. */
export interface KernelExtras {
  /** 0: q, k, v have an axis of heads. */
  heads: number;
  kvHeads: number;
  norms?: { q: Tensor; k: Tensor; eps: number } | undefined;
  rope?: { frequencies: Tensor; traditional: boolean } | undefined;
  /** Keys and values [B, K, capacity, E], of which `offset` tokens are there. */
  cache?: readonly Tensor[] | undefined;
  offset: number;
  /** With these the cache is pages, [pages, K, tokens of a page, E]. */
  texts?: Texts | undefined;
}

/** Texts whose new tokens lie one after the other in one row: each with its own past, in pages of a common cache. */
export interface Texts {
  /** Tokens of a page. */
  readonly pageSize: number;
  readonly all: readonly Text[];
}

export interface Text {
  /** New tokens. */
  count: number;
  /** Tokens that are in the cache. */
  past: number;
  /** Where its tokens lie, in their order, with room for the new ones. */
  pages: readonly number[];
}

const plain: KernelExtras = { heads: 0, kvHeads: 0, offset: 0 };

/** Whether our kernel computes these. */
export function hasAttentionKernel(q: Tensor, k: Tensor, v: Tensor, headSize: number): boolean {
  const { dtype } = q;
  return hasCpuKernels(dtype) && k.dtype === dtype && v.dtype === dtype && headSize <= maxHeadSize;
}

/** Our kernel → out, and with a cache its keys and values. */
export function attentionKernel(qkv: readonly Tensor[], rule: AttentionRule, extras: KernelExtras = plain): Tensor[] {
  const { operands, settings, texts } = describeAttention(rule, extras);
  const outputs = native.cpuAttention([...handles(qkv), ...operands], settings, texts);
  return outputs.map((handle) => new Tensor(handle));
}

/** An attention as the kernels take it: its arrays after q, k, v, thirteen numbers, and its texts as numbers. */
export function describeAttention(
  { scale, mask, window = 0, softCap = 0 }: AttentionRule,
  { heads, kvHeads, norms, rope, cache, offset, texts }: KernelExtras,
): { operands: Handle[]; settings: number[]; texts: readonly number[] } {
  const masks = mask instanceof Tensor ? [mask] : [];
  const arrays = [norms?.q, norms?.k, rope?.frequencies, ...masks, ...(cache ?? [])];
  const causal = mask === "causal";
  const rules = [heads, kvHeads, scale, causal, window, softCap, norms?.eps ?? 0, rope?.traditional, offset];
  const flags = [norms, rope, masks.length, cache].map(Boolean);
  return {
    operands: arrays.flatMap((each) => (each ? [each.handle] : [])),
    settings: [...rules, ...flags].map((each) => Number(each ?? false)),
    texts: texts ? numbersOf(texts) : [],
  };
}

const known = new WeakMap<Texts, readonly number[]>();

/** The same for all layers of a step. */
function numbersOf(texts: Texts): readonly number[] {
  const numbers = known.get(texts) ?? [
    texts.pageSize,
    ...texts.all.flatMap(({ count, past, pages }) => [count, past, pages.length, ...pages]),
  ];
  known.set(texts, numbers);
  return numbers;
}

/**
 * softmax(q kᵀ · scale + mask) v.  q: [B, H, L, E] · k, v: [B, K, S, E], H a multiple of K → [B, H, L, E].
 * The softmax is in float32. Vaswani et al. 2017, arXiv:1706.03762, eq. 1; grouped heads: arXiv:2305.13245.
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, rule: AttentionRule): Tensor {
  if (hasAttentionKernel(q, k, v, q.dim(3))) {
    const [out] = attentionKernel([q, k, v], rule);
    if (out) return out;
  }
  const { scale, window, softCap } = rule;
  const seen = window ? inWindow(q.dim(2), k.dim(2), window, rule.mask) : rule.mask;
  if (softCap) return cappedAttention(q, k, v, { scale, mask: seen, softCap });
  const mode = seen === "causal" ? "causal" : "";
  const mask = seen instanceof Tensor ? seen.handle : undefined;
  return new Tensor(native.scaledDotProductAttention(q.handle, k.handle, v.handle, scale, mode, mask));
}

function cappedAttention(q: Tensor, k: Tensor, v: Tensor, rule: AttentionRule & { softCap: number }): Tensor {
  const { scale, mask, softCap } = rule;
  const [batch = 0, heads = 0, length = 0, size = 0] = q.shape;
  const [, kvHeads = 1, keys = 0] = k.shape;
  const grouped = [batch, kvHeads, heads / kvHeads] as const;
  const groups = q.multiply(scale).reshape(...grouped, length, size);
  const scores = groups.matmul(k.reshape(batch, kvHeads, 1, keys, size).swapaxes(-1, -2));
  const capped = tanh(scores.divide(softCap)).multiply(softCap).reshape(batch, heads, length, keys);
  const seen = mask === "causal" ? inWindow(length, keys, keys, mask) : mask;
  const weights = softmax(seen instanceof Tensor ? masked(capped, seen) : capped, -1, { precise: true });
  const out = weights.reshape(...grouped, length, keys).matmul(v.reshape(batch, kvHeads, 1, keys, size));
  return out.reshape(batch, heads, length, size);
}

function masked(scores: Tensor, mask: Tensor): Tensor {
  if (mask.dtype !== "bool") return scores.add(mask);
  return where(mask, scores, scalar(scores.dtype === "float16" ? -65_504 : -3e38, scores.dtype));
}

/** Keys up to a query's own place, at most `window` of them, and of those what a tensor leaves. */
function inWindow(length: number, keys: number, window: number, mask: AttentionMask): Tensor {
  const query = arange(keys - length, keys).reshape(length, 1);
  const key = arange(0, keys).reshape(1, keys);
  const seen = key.lessEqual(query).logicalAnd(key.greater(query.subtract(window)));
  if (!(mask instanceof Tensor)) return seen;
  return mask.dtype === "bool"
    ? seen.logicalAnd(mask)
    : where(seen, mask, scalar(Number.NEGATIVE_INFINITY, mask.dtype));
}
