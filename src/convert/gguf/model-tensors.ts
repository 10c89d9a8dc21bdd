import { tensor as tensorOf } from "../../core/ops.ts";
import { scope } from "../../core/scope.ts";
import type { Tensor } from "../../core/tensor.ts";
import { evaluate } from "../../core/transforms.ts";
import { type ExportedModel, ropeFactors } from "./architecture.ts";
import { inPairs } from "./rotation.ts";
import { ggufName } from "./tensor-names.ts";
import { encodeRows, slabElements, type TensorType } from "./tensor-types.ts";
import type { GgufTensor } from "./writer.ts";

/** A tensor of a model under its name in GGUF, before its type is chosen. */
export interface ModelTensor {
  name: string;
  shape: number[];
  /** Lazy, and freed once it is written. */
  weight: Tensor;
}

/** A model's tensors. They take its weights over, so that one at a time is in memory: it is of no use then. */
export function modelTensors(exported: ExportedModel): ModelTensor[] {
  const { model, architecture, headSize } = exported;
  const factors = ropeFactors(exported);
  const rope = factors ? [{ name: "rope_freqs.weight", shape: [factors.length], weight: tensorOf(factors) }] : [];
  const tensors = Object.entries(model.parameters()).map(([path, weight]) => {
    const [, layer = "", kind = ""] = /^(.+)\.(weight|bias)$/.exec(path) ?? [];
    const isRotated = architecture.rotatesPairs && /\.[qk]_proj$/.test(layer);
    const turned = isRotated ? inPairs(weight, headSize) : weight;
    if (isRotated) weight.dispose();
    return { name: `${ggufName(layer)}.${kind}`, shape: turned.shape, weight: turned };
  });
  return [...rope, ...tensors];
}

/** The tensor as it is written, its weight freed then. importance: of its columns, [..., columns] for stacked experts. */
export function encodedTensor(
  { name, shape, weight }: ModelTensor,
  type: TensorType,
  importance?: Float32Array,
): GgufTensor {
  return { name, shape, type, pieces: () => slabs(weight, type, importance) };
}

function* slabs(weight: Tensor, type: TensorType, _importance: Float32Array | undefined): Generator<Uint8Array> {
  evaluate(weight);
  const columns = weight.dim(-1);
  const rows = weight.size / columns;
  const step = Math.max(1, Math.floor(slabElements / columns));
  for (let start = 0; start < rows; start += step) {
    const slab = scope(() => weight.reshape(rows, columns).slice(0, start, Math.min(start + step, rows)));
    yield scope(() => encodeRows(slab, type));
    slab.dispose();
  }
  weight.dispose();
}
