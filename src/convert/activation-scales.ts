// Activation-aware scaling: Lin et al. 2023, arXiv:2306.00978, section 3.2.
import { dequantize, integers, type Quantization, stack } from "../core/ops.ts";
import { dispose, keep, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { asyncEval, evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { MLP, TransformerBlock } from "../models/llama.ts";
import { Linear, type LinearLayer } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { pack } from "../nn/quantized.ts";

// n recorded rows

/** Layers that read the same input, and what that input comes from. */
interface Group {
  /** Paths of linear layers. */
  readers: string[];
  /** Parameters that are divided by the scale, so that the input is: a norm's weight, or a linear layer's rows and bias. */
  writers: string[];
}

/** A group with the scale [in] that its readers' columns are multiplied by. */
export interface ScaledGroup extends Group {
  scale: Tensor;
}

/** Exponents that are tried: 0 leaves the weights as they are. */
const exponents = Array.from({ length: 20 }, (_, i) => i / 20);
/** Rows of each input that the search looks at. */
const searchedRows = 512;

/**
 * For the linear layers of each block, the scale of their input channels with which packing moves their outputs least on
 * `rows` of tokens: mean |x| to the best of twenty powers. Channels that carry much are packed with finer steps so.
 * Experts stay as they are. Aborting the signal throws its reason; the model is of no use then.
 */
export async function findActivationScales(
  model: LanguageModel,
  rows: readonly number[][],
  quantizationOf: (path: string) => Quantization | undefined,
  signal?: AbortSignal,
): Promise<ScaledGroup[]> {
  const groups = groupsOf(model).filter(({ readers }) => readers.some(quantizationOf));
  const recorders = new Map(groups.map((group) => [group, recordInput(model, group)]));
  const share = Math.ceil(searchedRows / rows.length);
  for (const row of rows) {
    const hidden = scope(() => model.hidden(integers(row, [1, row.length])));
    await asyncEval(hidden);
    hidden.dispose();
    for (const recorder of recorders.values()) recorder.settle(share);
    signal?.throwIfAborted();
  }
  for (const recorder of recorders.values()) model.replace(recorder.path, recorder.linear);
  const scaled: ScaledGroup[] = [];
  for (const [group, recorder] of recorders) {
    scaled.push({ ...group, scale: await bestScale(model, group, recorder, quantizationOf) });
    signal?.throwIfAborted();
  }
  return scaled;
}

/** Multiplies the readers' columns and divides the writers, to be computed when they are used: the model computes the same. */
export function applyActivationScales(model: LanguageModel, groups: readonly ScaledGroup[]): void {
  for (const { readers, writers, scale } of groups) {
    for (const reader of readers) change(model, `${reader}.weight`, (weight) => weight.multiply(scale));
    for (const writer of writers) {
      change(model, writer, (weight) => weight.divide(weight.ndim === 2 ? scale.expandDims(-1) : scale));
    }
  }
}

/** Puts what `body` makes of a parameter, where there is one, in its place and dtype. */
function change(model: LanguageModel, path: string, body: (weight: Tensor) => Tensor): void {
  const weight = model.parameters()[path];
  if (weight) model.update({ [path]: scope(() => body(weight).astype(weight.dtype)) });
}

function groupsOf(model: LanguageModel): Group[] {
  return [...model.modules()].flatMap(([path, block]) => {
    if (!(block instanceof TransformerBlock)) return [];
    const own = (...names: string[]) => names.map((name) => `${path}.${name}`);
    const { heads, kvHeads } = block.self_attn.rule("none");
    const groups = [
      {
        readers: own("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        writers: own("input_layernorm.weight"),
      },
    ];
    // With fewer value heads than query heads, one value channel is read by several columns of o_proj.
    if (heads === kvHeads) {
      groups.push({
        readers: own("self_attn.o_proj"),
        writers: own("self_attn.v_proj.weight", "self_attn.v_proj.bias"),
      });
    }
    if (block.mlp instanceof MLP) {
      groups.push(
        { readers: own("mlp.gate_proj", "mlp.up_proj"), writers: own("post_attention_layernorm.weight") },
        { readers: own("mlp.down_proj"), writers: own("mlp.up_proj.weight", "mlp.up_proj.bias") },
      );
    }
    return groups;
  });
}

function recordInput(model: LanguageModel, { readers: [path = ""] }: Group): InputRecorder {
  const layer = model.find(path);
  if (!(layer instanceof Linear)) throw new Error(`${path} is no plain linear layer`);
  const recorder = new InputRecorder(path, layer);
  model.replace(path, recorder);
  return recorder;
}

/** Stands in a linear layer's place and keeps what comes in. */
class InputRecorder extends Module implements LinearLayer {
  readonly #seen: Tensor[] = [];
  readonly #rows: Tensor[] = [];
  readonly #magnitudes: Tensor[] = [];

  constructor(
    readonly path: string,
    readonly linear: Linear,
  ) {
    super();
  }

  get inputDims(): number {
    return this.linear.inputDims;
  }
  get outputDims(): number {
    return this.linear.outputDims;
  }

  forward(x: Tensor): Tensor {
    this.#seen.push(keep(x.reshape(-1, this.inputDims)));
    return this.linear.forward(x);
  }
  denseWeight(): Tensor {
    return this.linear.denseWeight();
  }
  /** None: a fused product would not pass here. */
  projection(): undefined {
    return undefined;
  }

  /** Keeps `share` rows of the inputs seen since the last call, spread evenly, and the mean magnitude of each channel. */
  settle(share: number): void {
    for (const x of this.#seen.splice(0)) {
      const count = x.dim(0);
      const step = Math.max(1, Math.floor(count / share));
      const places = Array.from({ length: Math.min(share, count) }, (_, i) => i * step);
      const [rows, magnitude] = scope(() => [x.take(integers(places), 0), x.abs().mean(0)]);
      if (!rows || !magnitude) throw new Error("an input has rows");
      evaluate(rows, magnitude);
      x.dispose();
      this.#rows.push(rows);
      this.#magnitudes.push(magnitude);
    }
  }

  /** The kept rows [n, in] of each settled input, and mean |x| [in] of all; the caller frees them. */
  take(): { rows: Tensor[]; magnitude: Tensor } {
    const magnitude = scope(() => stack(this.#magnitudes).mean(0));
    evaluate(magnitude);
    dispose(this.#magnitudes.splice(0));
    return { rows: this.#rows.splice(0), magnitude };
  }
}

async function bestScale(
  model: LanguageModel,
  { readers }: Group,
  recorder: InputRecorder,
  quantizationOf: (path: string) => Quantization | undefined,
): Promise<Tensor> {
  const { rows, magnitude } = recorder.take();
  const packed = readers.flatMap((path) => {
    const layer = model.find(path);
    const quantization = quantizationOf(path);
    return layer instanceof Linear && quantization ? [{ weight: layer.weight, quantization }] : [];
  });
  const candidates: { scale: Tensor; value: number }[] = [];
  for (const exponent of exponents) {
    const scale = scope(() => normalized(magnitude, exponent));
    const loss = scope(() => {
      const losses = rows.flatMap((x) => packed.map((layer) => outputError(x, layer, scale)));
      return stack(losses).sum();
    });
    await asyncEval(loss);
    candidates.push({ scale, value: loss.item() });
    loss.dispose();
  }
  dispose([...rows, magnitude]);
  const best = candidates.reduce((a, b) => (b.value < a.value ? b : a));
  for (const { scale } of candidates) if (scale !== best.scale) scale.dispose();
  return best.scale;
}

/** magnitude^exponent, so that its greatest and least multiply to 1. */
function normalized(magnitude: Tensor, exponent: number): Tensor {
  const power = magnitude.power(exponent).maximum(1e-4);
  return power.divide(power.max().multiply(power.negative().max().negative()).sqrt());
}

/** Σ (x Wᵀ − (x / s) Q(W s)ᵀ)² */
function outputError(
  x: Tensor,
  { weight, quantization }: { weight: Tensor; quantization: Quantization },
  scale: Tensor,
): Tensor {
  const unpacked = dequantize(pack(weight.multiply(scale), quantization), quantization, weight.dtype).divide(scale);
  return x.matmul(weight.subtract(unpacked).transpose()).square().sum();
}
