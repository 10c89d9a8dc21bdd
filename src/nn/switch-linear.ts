import { experts, type PackedMatrix } from "../core/kernels.ts";
import { dequantize, gatherMm, gatherQmm, type Quantization, type QuantizedWeight } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { Tensor } from "../core/tensor.ts";
import { Module } from "./module.ts";
import { pack } from "./quantized.ts";

// T tokens · n experts chosen for each · m rows of each token: n, or 1 that its experts share

/** Which experts the rows of an input go through. */
export interface Routing {
  /** [T, n] */
  indices: Tensor;
  /** The indices ascend, with n = 1, so that a GPU reads each expert once. */
  sorted: boolean;
}

/** What stands in the place of a linear layer that each expert has its own of: plain, packed, or with an adapter. */
export interface SwitchLayer extends Module {
  readonly expertCount: number;
  readonly inputDims: number;
  readonly outputDims: number;
  /** x: [T, m, in] → [T, n, out] */
  forward(x: Tensor, routing: Routing): Tensor;
  /** The weights of all experts in floating point, [experts, out, in]. */
  denseWeight(): Tensor;
}

/** Each row of x [T, m, in] through the weights [experts, out, in] chosen for it → [T, n, out] */
export function expertProduct(x: Tensor, weight: Tensor | PackedMatrix, { indices, sorted }: Routing): Tensor {
  const [T = 0, m = 0, inputDims = 0] = x.shape;
  const n = indices.dim(1);
  const rows = m === 1 ? indices : indices.reshape(T * n, 1);
  const ours = experts(x.reshape(T * m, inputDims), { weight }, rows);
  if (ours) return ours.reshape(T, n, ours.dim(-1));
  const product = (input: Tensor, of: Tensor): Tensor =>
    weight instanceof Tensor
      ? gatherMm(input, weight.swapaxes(-1, -2), of, { sorted })
      : gatherQmm(input, weight, of, weight.quantization, { sorted });
  // MLX's gradient for sorted rows knows indices of one axis only.
  return sorted ? product(x, indices.flatten()) : product(x.expandDims(2), indices).squeeze(2);
}

/** y = x Wₑᵀ for each expert e that is chosen for x.   W: [experts, out, in] */
export class SwitchLinear extends Module implements SwitchLayer {
  weight: Tensor;

  /** Weights start uniform in ±1/√in, as in mlx-lm. */
  constructor(inputDims: number, outputDims: number, expertCount: number) {
    super();
    const bound = 1 / Math.sqrt(inputDims);
    this.weight = random.uniform([expertCount, outputDims, inputDims], { low: -bound, high: bound });
  }

  /** A layer that takes an existing tensor over. */
  static of(weight: Tensor): SwitchLinear {
    const [expertCount = 0, outputDims = 0, inputDims = 0] = weight.shape;
    const layer = new SwitchLinear(inputDims, outputDims, expertCount);
    layer.update({ weight });
    return layer;
  }

  get expertCount(): number {
    return this.weight.dim(0);
  }
  get inputDims(): number {
    return this.weight.dim(2);
  }
  get outputDims(): number {
    return this.weight.dim(1);
  }

  forward(x: Tensor, routing: Routing): Tensor {
    return expertProduct(x, this.weight, routing);
  }

  denseWeight(): Tensor {
    return this.weight;
  }
}

/** A `SwitchLinear` whose weights are packed: [experts, out, in · bits / 32] uint32, with scales (and biases). */
export class QuantizedSwitchLinear extends Module implements SwitchLayer {
  weight: Tensor;
  scales: Tensor;
  declare biases?: Tensor;

  constructor(
    packed: QuantizedWeight,
    readonly quantization: Quantization,
  ) {
    super();
    this.weight = packed.weight;
    this.scales = packed.scales;
    if (packed.biases) this.biases = packed.biases;
    this.freeze();
  }

  /** Packs the weights of `layer`; columns must be a multiple of the group size. */
  static from(layer: SwitchLinear, quantization: Quantization): QuantizedSwitchLinear {
    return new QuantizedSwitchLinear(pack(layer.weight, quantization), quantization);
  }

  get expertCount(): number {
    return this.weight.dim(0);
  }
  get inputDims(): number {
    return (this.weight.dim(2) * 32) / this.quantization.bits;
  }
  get outputDims(): number {
    return this.weight.dim(1);
  }

  forward(x: Tensor, routing: Routing): Tensor {
    const { weight, scales, biases, quantization } = this;
    return expertProduct(x, { weight, scales, biases, quantization }, routing);
  }

  denseWeight(): Tensor {
    const { weight, scales, biases } = this;
    return dequantize({ weight, scales, biases }, this.quantization);
  }
}
