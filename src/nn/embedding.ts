import { embedding, linear, type Projection } from "../core/kernels.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { Module } from "./module.ts";

/** What stands in an embedding's place: plain, packed, or with an adapter. */
export interface EmbeddingLayer extends Module {
  readonly vocabularySize: number;
  readonly dims: number;
  /** ids: [...] → [..., dims] */
  forward(ids: Tensor): Tensor;
  /** The table as an output layer (tied head): [..., dims] → [..., vocabulary]. */
  asLinear(x: Tensor): Tensor;
  /** The table in floating point, [vocabulary, dims]. */
  denseWeight(): Tensor;
  /** The output layer as one product, where it is one. */
  projection(): Projection | undefined;
}

/** A table of vectors.   W: [vocabulary, dims] */
export class Embedding extends Module implements EmbeddingLayer {
  weight: Tensor;

  /** Rows start normal with deviation 1/√dims, as in MLX. */
  constructor(vocabularySize: number, dims: number) {
    super();
    this.weight = random.normal([vocabularySize, dims], { deviation: 1 / Math.sqrt(dims) });
  }

  static of(weight: Tensor): Embedding {
    const [vocabularySize = 0, dims = 0] = weight.shape;
    const embedding = new Embedding(vocabularySize, dims);
    embedding.update({ weight });
    return embedding;
  }

  get vocabularySize(): number {
    return this.weight.dim(0);
  }
  get dims(): number {
    return this.weight.dim(1);
  }

  forward(ids: Tensor): Tensor {
    return embedding(ids, this.weight, this.weight.dtype) ?? this.weight.take(ids, 0);
  }

  asLinear(x: Tensor): Tensor {
    const [output] = linear(x, [this.projection()]) ?? [];
    return output ?? x.matmul(this.weight.transpose());
  }

  denseWeight(): Tensor {
    return this.weight;
  }

  projection(): Projection {
    return { weight: this.weight };
  }
}
