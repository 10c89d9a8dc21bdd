import { stopGradient } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { Linear, type LinearLayer } from "../nn/linear.ts";
import { QuantizedLinear } from "../nn/quantized.ts";
import { LoRALinear, type LoRAParameters, loraUpdate } from "./lora.ts";

/**
 * A low-rank update of a layer's direction, with a trainable magnitude m for each output row.
 *
 *   W' = W + scale · (A B)ᵀ     y = (m / ‖W'‖) · (W' x) + b      the norm is by row and carries no gradient
 *
 * Liu et al. 2024, arXiv:2402.09353, eq. 5 and section 4.3.
 */
export class DoRALinear extends LoRALinear {
  m: Tensor;

  constructor(linear: LinearLayer, parameters: LoRAParameters) {
    super(linear, parameters);
    this.m = rowNorms(linear.denseWeight().astype("float32"));
  }

  override forward(x: Tensor): Tensor {
    const weight = this.linear.denseWeight();
    const change = this.dropout.forward(x).matmul(this.lora_a).matmul(this.lora_b);
    const product = x.matmul(weight.astype(x.dtype).transpose()).add(change.multiply(this.scale).astype(x.dtype));
    const norms = stopGradient(rowNorms(weight.add(loraUpdate(this, this.scale))));
    const y = this.m.divide(norms).astype(x.dtype).multiply(product);
    const bias = biasOf(this.linear);
    return bias ? y.add(bias) : y;
  }

  /** Its output is scaled, and the norm is of the whole weight. */
  override projection(): undefined {
    return undefined;
  }

  override mergedWeight(weight: Tensor): Tensor {
    const adapted = weight.add(loraUpdate(this, this.scale).astype(weight.dtype));
    return this.m.divide(rowNorms(adapted)).expandDims(1).multiply(adapted).astype(weight.dtype);
  }
}

/** ‖W‖ of each row: [out, in] → [out] */
function rowNorms(weight: Tensor): Tensor {
  return weight.square().sum(1).sqrt();
}

function biasOf(layer: LinearLayer): Tensor | undefined {
  return layer instanceof Linear || layer instanceof QuantizedLinear ? layer.bias : undefined;
}
