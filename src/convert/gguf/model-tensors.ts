import { type BlockType, quantizeBlocks } from "../../core/blocks.ts";
import { tensor as tensorOf } from "../../core/ops.ts";
import { scope } from "../../core/scope.ts";
import type { Tensor } from "../../core/tensor.ts";
import { evaluate } from "../../core/transforms.ts";
import { UserError } from "../../protocol/user-error.ts";
import { type ExportedModel, ropeFactors } from "./architecture.ts";
import { inPairs } from "./rotation.ts";
import { ggufName } from "./tensor-names.ts";
import { slabElements } from "./tensor-types.ts";
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

/**
 * The tensor as it is written, its weight freed then.
 * @param importance of its columns: [columns], or [experts, columns] for stacked experts
 */
export function encodedTensor(
  { name, shape, weight }: ModelTensor,
  type: BlockType,
  importance?: Float32Array,
): GgufTensor {
  const expected = (shape.at(-1) ?? 0) * (shape.length === 3 ? (shape[0] ?? 0) : 1);
  if (importance && importance.length !== expected) {
    throw new UserError("gguf/imatrix-mismatch", { name, found: importance.length, expected });
  }
  return { name, shape, type, pieces: () => slabs(name, weight, type, importance) };
}

function* slabs(name: string, weight: Tensor, type: BlockType, importance?: Float32Array): Generator<Uint8Array> {
  evaluate(weight);
  const columns = weight.dim(-1);
  const rows = weight.size / columns;
  // Experts have importances of their own, so a slab is of one.
  const whole = weight.ndim === 3 ? weight.dim(1) : rows;
  const step = Math.min(whole, Math.max(1, Math.floor(slabElements / columns)));
  for (let start = 0; start < rows; ) {
    const stop = Math.min(start + step, (Math.floor(start / whole) + 1) * whole);
    const at = importance && importance.length > columns ? Math.floor(start / whole) * columns : 0;
    const slab = scope(() => weight.reshape(rows, columns).slice(0, start, stop));
    evaluate(slab);
    yield quantizeBlocks(slab, type, importance?.subarray(at, at + columns), name);
    slab.dispose();
    start = stop;
  }
  weight.dispose();
}
