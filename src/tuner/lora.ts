import type { Projection } from "../core/kernels.ts";
import { addmm, zeros } from "../core/ops.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { Dropout } from "../nn/dropout.ts";
import type { EmbeddingLayer } from "../nn/embedding.ts";
import { type LinearLayer, projected } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import type { SwitchLayer } from "../nn/switch-linear.ts";

export interface LoRAParameters {
  rank: number;
  /** Multiplies the update directly, as in mlx-lm; PEFT's α equals scale · rank. */
  scale: number;
  dropout: number;
}

/** A layer with an update beside its frozen weight. */
export interface AdapterLayer extends Module {
  /** The layer under the update. */
  readonly base: LinearLayer | EmbeddingLayer | SwitchLayer;
  /** W with the update merged in, in `weight`'s shape and dtype. weight: the base weight in floating point. */
  mergedWeight(weight: Tensor): Tensor;
}

/**
 * A frozen linear layer plus a trainable low-rank update.
 *
 *   y = W x + scale · (x A) B        x: [..., in]   A: [in, rank]   B: [rank, out]   y: [..., out]
 *
 * Hu et al. 2021, arXiv:2106.09685, eq. 3.
 */
export class LoRALinear extends Module implements LinearLayer, AdapterLayer {
  readonly linear: LinearLayer;
  lora_a: Tensor;
  lora_b: Tensor;
  dropout: Dropout;
  protected readonly scale: number;

  constructor(linear: LinearLayer, { rank, scale, dropout }: LoRAParameters) {
    super();
    this.linear = linear.freeze();
    this.lora_a = initialA([linear.inputDims, rank], linear.inputDims);
    this.lora_b = zeros([rank, linear.outputDims]); // a zero update: training starts at the base model
    this.dropout = new Dropout(dropout);
    this.scale = scale;
  }

  get base(): LinearLayer {
    return this.linear;
  }
  get factors(): { a: Tensor; b: Tensor; scale: number } {
    return { a: this.lora_a, b: this.lora_b, scale: this.scale };
  }
  get inputDims(): number {
    return this.linear.inputDims;
  }
  get outputDims(): number {
    return this.linear.outputDims;
  }

  forward(x: Tensor): Tensor {
    const [output] = projected(x, [this]) ?? [];
    if (output) return output;
    const base = this.linear.forward(x);
    const reduced = this.dropout.forward(x).matmul(this.lora_a);
    if (x.dtype === this.lora_b.dtype) return addmm(base, reduced, this.lora_b, this.scale);
    return base.add(reduced.matmul(this.lora_b).multiply(this.scale).astype(x.dtype));
  }

  denseWeight(): Tensor {
    return this.mergedWeight(this.linear.denseWeight());
  }

  projection(): Projection | undefined {
    const base = this.linear.projection();
    if (!base || base.update || this.dropout.isActive) return undefined;
    return { ...base, update: this.factors };
  }

  mergedWeight(weight: Tensor): Tensor {
    return weight.add(loraUpdate(this, this.scale).astype(weight.dtype));
  }
}

/** An embedding plus a trainable low-rank update: row i gains scale · (A B)ᵢ.   A: [vocabulary, rank]   B: [rank, dims] */
export class LoRAEmbedding extends Module implements EmbeddingLayer, AdapterLayer {
  readonly embedding: EmbeddingLayer;
  lora_a: Tensor;
  lora_b: Tensor;
  dropout: Dropout;
  readonly #scale: number;

  constructor(embedding: EmbeddingLayer, { rank, scale, dropout }: LoRAParameters) {
    super();
    this.embedding = embedding.freeze();
    this.lora_a = initialA([embedding.vocabularySize, rank], embedding.vocabularySize);
    this.lora_b = zeros([rank, embedding.dims]);
    this.dropout = new Dropout(dropout);
    this.#scale = scale;
  }

  get base(): EmbeddingLayer {
    return this.embedding;
  }
  get vocabularySize(): number {
    return this.embedding.vocabularySize;
  }
  get dims(): number {
    return this.embedding.dims;
  }

  forward(ids: Tensor): Tensor {
    const y = this.embedding.forward(ids);
    const change = this.dropout.forward(this.lora_a.take(ids, 0)).matmul(this.lora_b);
    return y.add(change.multiply(this.#scale).astype(y.dtype));
  }

  asLinear(x: Tensor): Tensor {
    const change = this.dropout.forward(x.matmul(this.lora_b.transpose())).matmul(this.lora_a.transpose());
    return this.embedding.asLinear(x).add(change.multiply(this.#scale).astype(x.dtype));
  }

  denseWeight(): Tensor {
    return this.mergedWeight(this.embedding.denseWeight());
  }

  projection(): undefined {
    return undefined;
  }

  mergedWeight(weight: Tensor): Tensor {
    return weight.add(loraUpdate(this, this.#scale).transpose().astype(weight.dtype));
  }
}

/**
 * A, uniform in ±1/√in. The key drawn first is thrown away: mlx-lm makes and discards a random base layer there, and with
 * the same seed both start from the same matrices.
 */
export function initialA(shape: readonly number[], inputDims: number): Tensor {
  random.nextKey().dispose();
  const bound = 1 / Math.sqrt(inputDims);
  const key = random.nextKey();
  const a = random.uniform(shape, { low: -bound, high: bound, key });
  key.dispose();
  return a;
}

/** scale · (A B)ᵀ, in the order of operations of mlx-lm's fuse. */
export function loraUpdate({ lora_a, lora_b }: { lora_a: Tensor; lora_b: Tensor }, scale: number): Tensor {
  return lora_b.transpose().multiply(scale).matmul(lora_a.transpose());
}
