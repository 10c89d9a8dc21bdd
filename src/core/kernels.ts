import { type Handle, native } from "../native/binding.ts";
import { type DType, dtypeIndex } from "./dtype.ts";
import type { Quantization, QuantizedWeight } from "./ops.ts";
import * as random from "./random.ts";
import { Tensor } from "./tensor.ts";

// Our own kernels for a Linux CPU (native/cpu): threaded, with gradients, sums in float32. MLX's plain operations compute the same
// and are what the kernels are tested against.

const built = native.hasCpuKernels();
let enabled = process.env.CYGNET_CPU_KERNELS !== "off";

/** Chooses between our kernels and MLX's plain operations; `CYGNET_CPU_KERNELS=off` starts with the latter. */
export function useCpuKernels(on: boolean): void {
  enabled = on;
}

/** Whether our kernels compute tensors of this dtype here. */
export function hasCpuKernels(dtype: DType): boolean {
  return built && enabled && isFloating(dtype) && native.defaultDevice() === "cpu";
}

/** Elements of a head's vector that the kernels of attention and rotation take. */
export const maxHeadSize = 1024;

function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "bfloat16" || dtype === "float16";
}

/** What our kernels run on; undefined where they are not built or are switched off. */
export function cpuKernels(): { isa: string; threads: number } | undefined {
  return built && enabled ? { isa: native.cpuIsa(), threads: native.cpuThreads() } : undefined;
}

/**
 * What weights stored in a floating dtype are computed in unless one is asked for: as stored, except on a CPU. There our kernels
 * compute half precision in bfloat16, half the memory of float32 (products, softmax and adapters stay in float32), and MLX's
 * operations in float32.
 */
export function computeDtype(stored: DType): DType {
  if (native.defaultDevice() !== "cpu") return stored;
  return stored !== "float32" && built && enabled ? "bfloat16" : "float32";
}

/** A linear layer in parts: y = x Wᵀ + bias + scale · (x A) B. */
export interface Projection {
  /** W [out, in], plain or packed. */
  weight: Tensor | PackedMatrix;
  bias?: Tensor | undefined;
  /** A: [in, rank]   B: [rank, out]   mask: [rows, rank], multiplied with x A; all float32 */
  update?: { a: Tensor; b: Tensor; scale: number; mask?: Tensor | undefined } | undefined;
}

export interface PackedMatrix extends QuantizedWeight {
  quantization: Quantization;
}

/** What the kernel calls the formats of weights; a plain weight says its own. */
const formats: Record<string, number> = { affine: 3, mxfp4: 4, nvfp4: 5, mxfp8: 6 };

/** x [..., in] through layers that share it → [..., out] each, in x's dtype; or undefined where our products cannot. */
export function linear(x: Tensor, projections: readonly Projection[]): Tensor[] | undefined {
  if (!projections.every((each) => isKnown(each, x))) return undefined;
  const { operands, settings } = describe(projections);
  const outputs = native.cpuLinear(x.handle, operands, settings);
  return outputs.slice(0, projections.length).map((handle) => new Tensor(handle));
}

/** Rows of a table [V, D], plain or packed, in `dtype`: ids [...] → [..., D]; or undefined where our kernel cannot. */
export function embedding(ids: Tensor, table: Projection["weight"], dtype: DType): Tensor | undefined {
  if (!hasCpuKernels(dtype)) return undefined;
  const { operands, settings } = describe([{ weight: table }]);
  return new Tensor(native.cpuEmbedding(ids.handle, operands, settings, dtypeIndex(dtype)));
}

/** As MLX's `quantize`, to the bit; or undefined where our kernel cannot, which leaves it to MLX to refuse. */
export function quantizeInGroups(w: Tensor, { group_size, bits, mode }: Quantization): Tensor[] | undefined {
  const isPossible = [32, 64, 128].includes(group_size) && [2, 3, 4, 5, 6, 8].includes(bits);
  if (mode !== "affine" || !isPossible || !hasCpuKernels(w.dtype)) return undefined;
  if (w.ndim < 2 || w.dim(-1) % group_size !== 0) return undefined;
  return native.cpuQuantize(w.handle, group_size, bits).map((handle) => new Tensor(handle));
}

/**
 * x [T, in] through the experts that `indices` [T, n] choose for each row → [T, n, out]; or undefined where our products
 * cannot. weight: [experts, out, in], plain or packed.
 */
export function experts(x: Tensor, projection: Projection, indices: Tensor): Tensor | undefined {
  if (!isKnown(projection, x) || projection.bias || projection.update) return undefined;
  const { operands, settings } = describe([projection]);
  return new Tensor(native.cpuExperts(x.handle, operands, settings, indices.handle));
}

/** Whether our products take this projection for x [..., in]. */
export function isKnown({ weight, update }: Projection, x: Tensor): boolean {
  if (!hasCpuKernels(x.dtype) || (weight instanceof Tensor && weight.dtype !== x.dtype)) return false;
  if (x.dim(-1) === 0) return false;
  return !update || (update.a.dtype === "float32" && update.b.dtype === "float32");
}

/** Projections as the kernels take them: their arrays in order, and nine numbers each. */
export function describe(projections: readonly Projection[]): { operands: number[]; settings: number[] } {
  const operands: number[] = [];
  const settings: number[] = [];
  for (const { weight, bias, update } of projections) {
    const plain = weight instanceof Tensor;
    const { group_size = 0, bits = 0, mode = "affine" } = plain ? {} : weight.quantization;
    const arrays = plain ? [weight] : [weight.weight, weight.scales, weight.biases];
    for (const each of [...arrays, bias, update?.a, update?.b, update?.mask]) if (each) operands.push(each.handle);
    settings.push(plain ? 0 : (formats[mode] ?? 0), bits, group_size);
    settings.push(Number(!plain), Number(!plain && weight.biases !== undefined));
    settings.push(Number(bias !== undefined), Number(update !== undefined));
    settings.push(Number(update?.mask !== undefined), update?.scale ?? 0);
  }
  return { operands, settings };
}

/** What a pass of `linearCrossEntropy` computes beside the loss: differentiating needs it. */
const gradientSets = ["none", "hidden", "hidden and weight"] as const;
export type GradientSet = (typeof gradientSets)[number];

/**
 * The sum over rows of −log softmax(hidden · weightᵀ)[target], a float32 scalar, without holding all logits: rows go through
 * in chunks. hidden: [N, D] · weight: [V, D], plain or packed · targets: [N] integers below V. Undefined where our kernels
 * cannot.
 */
export function linearCrossEntropy(
  hidden: Tensor,
  head: Projection,
  targets: Tensor,
  gradients: GradientSet,
): Tensor | undefined {
  if (!isKnown(head, hidden) || head.bias || head.update) return undefined;
  const { operands, settings } = describe([head]);
  const kind = gradientSets.indexOf(gradients);
  return new Tensor(native.linearCrossEntropy(hidden.handle, operands, settings, targets.handle, kind));
}

/** A tensor, its gradient and the moments that Adam keeps of it. */
export interface AdamTensors {
  parameter: Tensor;
  gradient: Tensor;
  moments: { m?: Tensor; v?: Tensor };
}

/** rate: the learning rate, corrected if need be · rootScale: multiplies √v · decay: multiplies the parameter. */
export interface AdamStep {
  betas: readonly [number, number];
  rate: number;
  rootScale: number;
  eps: number;
  decay: number;
}

/** One Adam update of all tensors in a few kernels, which round as the plain operations do; undefined where they cannot. */
export function adam(
  tensors: readonly AdamTensors[],
  { betas: [beta1, beta2], rate, rootScale, eps, decay }: AdamStep,
): { parameter: Tensor; moments: { m: Tensor; v: Tensor } }[] | undefined {
  const lists: [Handle[], Handle[], Handle[], Handle[]] = [[], [], [], []];
  for (const { parameter, gradient, moments } of tensors) {
    const { dtype } = parameter;
    if (!hasCpuKernels(dtype)) return undefined;
    for (const [i, each] of [parameter, gradient, moments.m, moments.v].entries()) {
      if (each?.dtype !== dtype) return undefined;
      lists[i]?.push(each.handle);
    }
  }
  const step = [beta1, 1 - beta1, beta2, 1 - beta2, rate, rootScale, eps, decay];
  const outputs = native.cpuAdam(...lists, step).map((handle) => new Tensor(handle));
  return tensors.map((_, i) => {
    const [parameter, m, v] = [outputs[i], outputs[tensors.length + i], outputs[2 * tensors.length + i]];
    if (!parameter || !m || !v) throw new Error("adam returns three tensors for each");
    return { parameter, moments: { m, v } };
  });
}

/** How `sample` chooses; a filter is off at topP 1, minP 0 and topK 0. */
export interface SampleOptions {
  /** 0 takes the likeliest. */
  temperature: number;
  topP: number;
  minP: number;
  topK: number;
  /** Added to the logits: [V], float32 */
  bias?: Tensor | undefined;
}

/**
 * Tokens chosen from logits [B, V] and the logarithms of their probabilities, [B] each; undefined where our kernel cannot. The
 * filters look at the distribution at temperature 1. Draws take 64 bits each, `words` [B, 2] uint32, of this thread's random
 * sequence unless they are given.
 */
export function sample(
  logits: Tensor,
  { temperature, topP, minP, topK, bias }: SampleOptions,
  words: () => Tensor = () => random.bits([logits.dim(0), 2]),
): { ids: Tensor; logprobs: Tensor } | undefined {
  if (!hasCpuKernels(logits.dtype)) return undefined;
  const bits = temperature > 0 ? words() : undefined;
  const handles = native.cpuSample(logits.handle, bias?.handle, bits?.handle, temperature, topP, minP, topK);
  const [ids, logprobs] = handles.map((handle) => new Tensor(handle));
  if (!ids || !logprobs) throw new Error("sample returns ids and logprobs");
  return { ids, logprobs };
}
