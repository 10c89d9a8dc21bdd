import { native } from "../native/binding.ts";
import { describeAttention } from "./attention.ts";
import { type HeadAttention, type KeyValueStore, kernelExtras } from "./head-attention.ts";
import { describe, hasCpuKernels, isKnown, maxHeadSize, type Projection } from "./kernels.ts";
import { Tensor } from "./tensor.ts";

// B batch · L tokens · D hidden · K key/value heads · E head size

/** A transformer block: norm, attention, norm, gated MLP, each half added to what came in. */
export interface DecoderBlock {
  attentionNorm: { weight: Tensor; eps: number };
  mlpNorm: { weight: Tensor; eps: number };
  /** Elements of a head. */
  headSize: number;
  attention: HeadAttention & { cache: KeyValueStore };
  /** q, k, v, o, gate, up, down; one that is no product stops the fusion. */
  layers: readonly (Projection | undefined)[];
}

/**
 * A whole block over a cache as one kernel, for inference on a CPU: a decoded token is then a few dozen operations instead of
 * hundreds. x: [B, L, D] → [B, L, D]. It has no gradient. Undefined where our kernels cannot.
 */
export function decoderBlock(x: Tensor, block: DecoderBlock): Tensor | undefined {
  const { attentionNorm, mlpNorm, headSize, attention, layers } = block;
  const { rope, cache, kvHeads } = attention;
  const products = layers.filter((layer) => layer !== undefined);
  const areKnown = products.length === layers.length && products.every((layer) => isKnown(layer, x));
  const isRotated = !rope || rope.frequencies;
  if (!hasCpuKernels(x.dtype) || !areKnown || !isRotated || headSize > maxHeadSize || !cache.inPlace) return undefined;
  const [batch = 0, length = 0] = x.shape;
  const buffers = cache.reserve?.({ shape: [batch, kvHeads, length, headSize], dtype: x.dtype });
  const heads = describeAttention(attention, kernelExtras(attention, buffers));
  const weights = describe(products);
  const outputs = native.cpuDecoderBlock(
    [x.handle, attentionNorm.weight.handle, mlpNorm.weight.handle, ...heads.operands, ...weights.operands],
    attentionNorm.eps,
    mlpNorm.eps,
    0,
    heads.settings,
    heads.texts,
    weights.settings,
  );
  const [out, keys, values] = outputs.map((handle) => new Tensor(handle));
  if (!out || !keys || !values) throw new Error("a decoder block returns its output and the cache");
  cache.replace?.(keys, values, length);
  return out;
}
