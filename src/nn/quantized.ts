import { defaultDevice } from "../core/device.ts";
import type { DType } from "../core/dtype.ts";
import { embedding, linear, type Projection, quantizeInGroups } from "../core/kernels.ts";
import { dequantize, type Quantization, type QuantizedWeight, quantize, quantizedMatmul } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Embedding, EmbeddingLayer } from "./embedding.ts";
import { type Linear, type LinearLayer, projected } from "./linear.ts";
import { Module } from "./module.ts";

/** x Wᵀ for a packed W, which our kernels for a CPU and MLX's for a GPU read as it is; else it is unpacked for the product. */
export function packedProduct(x: Tensor, packed: QuantizedWeight, quantization: Quantization): Tensor {
  const [product] = linear(x, [{ weight: { ...packed, quantization } }]) ?? [];
  if (product) return product;
  if (defaultDevice() === "gpu") return quantizedMatmul(x, packed, quantization);
  return x.matmul(dequantize(packed, quantization, x.dtype).transpose());
}

/** A linear layer whose weight is packed: [out, in · bits / 32] uint32, with scales (and biases) for groups of columns. */
export class QuantizedLinear extends Module implements LinearLayer {
  weight: Tensor;
  scales: Tensor;
  declare biases?: Tensor;
  declare bias?: Tensor;

  constructor(
    packed: QuantizedWeight,
    readonly quantization: Quantization,
    bias?: Tensor,
  ) {
    super();
    this.weight = packed.weight;
    this.scales = packed.scales;
    if (packed.biases) this.biases = packed.biases;
    if (bias) this.bias = bias;
    this.freeze();
  }

  /** Packs the weight of `linear`; columns must be a multiple of the group size. */
  static from(linear: Linear, quantization: Quantization): QuantizedLinear {
    return new QuantizedLinear(pack(linear.weight, quantization), quantization, linear.bias);
  }

  get inputDims(): number {
    return (this.weight.dim(1) * 32) / this.quantization.bits;
  }
  get outputDims(): number {
    return this.weight.dim(0);
  }

  forward(x: Tensor): Tensor {
    const [output] = projected(x, [this]) ?? [];
    if (output) return output;
    const product = packedProduct(x, packedOf(this), this.quantization);
    return this.bias ? product.add(this.bias) : product;
  }

  denseWeight(): Tensor {
    return dequantize(packedOf(this), this.quantization);
  }

  projection(): Projection {
    return { weight: { ...packedOf(this), quantization: this.quantization }, bias: this.bias };
  }
}

/** An embedding table packed as in `QuantizedLinear`. */
export class QuantizedEmbedding extends Module implements EmbeddingLayer {
  weight: Tensor;
  scales: Tensor;
  declare biases?: Tensor;

  /** dtype: of the rows, where what is packed has none of its own, as in all modes but affine. */
  constructor(
    packed: QuantizedWeight,
    readonly quantization: Quantization,
    readonly dtype: DType = packed.biases?.dtype ?? "float32",
  ) {
    super();
    this.weight = packed.weight;
    this.scales = packed.scales;
    if (packed.biases) this.biases = packed.biases;
    this.freeze();
  }

  static from(embedding: Embedding, quantization: Quantization): QuantizedEmbedding {
    return new QuantizedEmbedding(pack(embedding.weight, quantization), quantization, embedding.weight.dtype);
  }

  get vocabularySize(): number {
    return this.weight.dim(0);
  }
  get dims(): number {
    return (this.weight.dim(1) * 32) / this.quantization.bits;
  }

  forward(ids: Tensor): Tensor {
    const dtype = this.biases?.dtype ?? this.dtype;
    const known = embedding(ids, this.projection().weight, dtype);
    if (known) return known;
    const rows = {
      weight: this.weight.take(ids, 0),
      scales: this.scales.take(ids, 0),
      biases: this.biases?.take(ids, 0),
    };
    return dequantize(rows, this.quantization, dtype);
  }

  asLinear(x: Tensor): Tensor {
    return packedProduct(x, packedOf(this), this.quantization);
  }

  denseWeight(): Tensor {
    return dequantize(packedOf(this), this.quantization);
  }

  projection(): Projection {
    return { weight: { ...packedOf(this), quantization: this.quantization } };
  }
}

/** Packs w [out, in]. */
export function pack(w: Tensor, quantization: Quantization): QuantizedWeight {
  const [weight, scales, biases] = quantizeInGroups(w, quantization) ?? quantize(w, quantization);
  if (!weight || !scales) throw new Error(`quantize gave no weight for mode ${quantization.mode}`);
  return { weight, scales, biases };
}

function packedOf({ weight, scales, biases }: { weight: Tensor; scales: Tensor; biases?: Tensor }): QuantizedWeight {
  return { weight, scales, biases };
}
