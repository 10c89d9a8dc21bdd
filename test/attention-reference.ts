import type { HeadAttention } from "../src/core/head-attention.ts";
import { arange, concatenate, scalar, tanh, tensor, where } from "../src/core/ops.ts";
import { Tensor } from "../src/core/tensor.ts";

// B batch · L tokens · H query heads · K key/value heads · S keys · E head size

/** What `headAttention` computes, in float64 and by simple operations. q: [B, L, H · E] · k, v: [B, L, K · E] */
export function attentionReference(q: Tensor, k: Tensor, v: Tensor, options: HeadAttention): Tensor {
  const { heads, kvHeads, norms, scale, mask, window, softCap, rope } = options;
  const [batch = 0, length = 0] = q.shape;
  const split = (x: Tensor, count: number): Tensor =>
    x.reshape(batch, length, count, x.dim(2) / count).transpose(0, 2, 1, 3);
  const prepared = (x: Tensor, count: number, weight?: Tensor): Tensor => {
    const each = split(x, count);
    const normed = norms && weight ? rmsNorm(each, weight, norms.eps) : each;
    return rope ? rotated(normed, rope.frequencies?.toArray() ?? [], rope.traditional) : normed;
  };
  const wide = (x: Tensor): Tensor => {
    const [, count = 1, , size = 1] = x.shape;
    const groups = [batch, count, heads / count, length, size];
    return x
      .reshape(batch, count, 1, length, size)
      .broadcastTo(...groups)
      .reshape(batch, heads, length, size);
  };
  const [queries, keys] = [prepared(q, heads, norms?.q), wide(prepared(k, kvHeads, norms?.k))];
  const raw = queries.matmul(keys.swapaxes(-1, -2)).multiply(scale);
  const scores = softCap ? tanh(raw.divide(softCap)).multiply(softCap) : raw;
  const query = arange(0, length).reshape(length, 1);
  const key = arange(0, length).reshape(1, length);
  const near = key.greater(query.subtract(window ?? length));
  const earlier = mask === "causal" || window ? key.lessEqual(query) : key.greaterEqual(0);
  const seen = earlier.logicalAnd(window ? near : earlier);
  const limited = where(seen, masked(scores, mask), scalar(Number.NEGATIVE_INFINITY, "float64"));
  const powers = limited.subtract(limited.max(-1, true)).exp();
  const out = powers.divide(powers.sum(-1, true)).matmul(wide(split(v, kvHeads)));
  return out.transpose(0, 2, 1, 3).reshape(...q.shape);

  function masked(x: Tensor, by: HeadAttention["mask"]): Tensor {
    if (!(by instanceof Tensor)) return x;
    return by.dtype === "bool" ? where(by, x, scalar(-1e300, "float64")) : x.add(by.astype("float64"));
  }
}

function rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
  return x.divide(x.square().mean(-1, true).add(eps).sqrt()).multiply(weight.astype("float64"));
}

/** x: [B, heads, L, E], its first token at position `offset`. */
export function rotated(x: Tensor, frequencies: readonly number[], traditional: boolean, offset = 0): Tensor {
  const [batch = 0, heads = 0, length = 0, size = 0] = x.shape;
  const pairs = frequencies.length;
  const table = (f: (angle: number) => number): Tensor => {
    const values = Array.from({ length }, (_, l) =>
      frequencies.map((each) => f(Math.fround((offset + l) * each))),
    ).flat();
    return tensor(Float64Array.from(values), [length, pairs]);
  };
  const [cosines, sines] = [table(Math.cos), table(Math.sin)];
  const rest = x.slice(3, 2 * pairs);
  const turned = x.slice(3, 0, 2 * pairs);
  const halves = traditional ? turned.reshape(batch, heads, length, pairs, 2) : turned;
  const [a, b] = traditional
    ? [halves.at(4, 0), halves.at(4, 1)]
    : [halves.slice(3, 0, pairs), halves.slice(3, pairs, 2 * pairs)];
  const first = a.multiply(cosines).subtract(b.multiply(sines));
  const second = a.multiply(sines).add(b.multiply(cosines));
  const joined = traditional
    ? concatenate([first.expandDims(4), second.expandDims(4)], 4).reshape(batch, heads, length, 2 * pairs)
    : concatenate([first, second], 3);
  return size > 2 * pairs ? concatenate([joined, rest], 3) : joined;
}
