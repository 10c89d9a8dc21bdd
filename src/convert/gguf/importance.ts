import { arange, integers } from "../../core/ops.ts";
import { keep, scope } from "../../core/scope.ts";
import type { Tensor } from "../../core/tensor.ts";
import { asyncEval, evaluate } from "../../core/transforms.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { Linear, type LinearLayer } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { type Routing, type SwitchLayer, SwitchLinear } from "../../nn/switch-linear.ts";
import { ggufName } from "./tensor-names.ts";

// E experts · n experts chosen for each token

/** How much an error in each column of a tensor matters, by its name in GGUF: [columns], or [experts, columns]. */
export type ImportanceMatrix = Map<string, Float32Array>;

/**
 * llama.cpp's importance matrix: the mean square of each input channel of each linear layer of the blocks on `rows` of
 * tokens. Aborting the signal throws its reason; the model is of no use then.
 */
export async function measureImportance(
  model: LanguageModel,
  rows: readonly number[][],
  signal?: AbortSignal,
): Promise<ImportanceMatrix> {
  const recorders = new Map<string, SquareRecorder>();
  for (const [path, layer] of [...model.modules()]) {
    // The output is packed without, as llama.cpp does it.
    if (!path.includes("layers.")) continue;
    const recorder =
      layer instanceof Linear
        ? new LinearRecorder(layer)
        : layer instanceof SwitchLinear
          ? new SwitchRecorder(layer)
          : undefined;
    if (!recorder) continue;
    recorders.set(path, recorder);
    model.replace(path, recorder);
  }
  for (const row of rows) {
    const hidden = scope(() => model.hidden(integers(row, [1, row.length])));
    await asyncEval(hidden);
    hidden.dispose();
    for (const recorder of recorders.values()) recorder.settle();
    signal?.throwIfAborted();
  }
  const matrix: ImportanceMatrix = new Map();
  for (const [path, recorder] of recorders) {
    matrix.set(`${ggufName(path)}.weight`, recorder.mean());
    model.replace(path, recorder.layer);
  }
  return matrix;
}

/** Sums of squares by expert and column. A linear layer is one expert. */
abstract class SquareRecorder extends Module {
  abstract readonly layer: Linear | SwitchLinear;
  readonly #pending: Tensor[] = [];
  #sums: Float64Array | undefined;
  #counts: Float64Array | undefined;

  /** squares: [E, columns]   counts: [E], of the rows that they sum */
  protected record(squares: Tensor, counts: Tensor): void {
    this.#pending.push(squares, counts);
  }

  settle(): void {
    evaluate(this.#pending);
    const given = this.#pending.splice(0);
    for (let i = 0; i < given.length; i += 2) {
      this.#sums = added(this.#sums, given[i]);
      this.#counts = added(this.#counts, given[i + 1]);
    }
    for (const each of given) each.dispose();
  }

  /** [E · columns]; 1 for experts that no token went through. */
  mean(): Float32Array {
    const [sums, counts] = [this.#sums ?? new Float64Array(), this.#counts ?? new Float64Array()];
    const columns = sums.length / counts.length;
    return Float32Array.from(sums, (sum, i) => {
      const count = counts[Math.floor(i / columns)] ?? 0;
      return count > 0 ? sum / count : 1;
    });
  }
}

class LinearRecorder extends SquareRecorder implements LinearLayer {
  constructor(readonly layer: Linear) {
    super();
  }

  get inputDims(): number {
    return this.layer.inputDims;
  }
  get outputDims(): number {
    return this.layer.outputDims;
  }

  forward(x: Tensor): Tensor {
    const rows = x.reshape(-1, this.inputDims).astype("float32");
    this.record(keep(rows.square().sum(0, true)), keep(arange(rows.dim(0), rows.dim(0) + 1, 1, "float32")));
    return this.layer.forward(x);
  }
  denseWeight(): Tensor {
    return this.layer.denseWeight();
  }
  /** None: a fused product would not pass here. */
  projection(): undefined {
    return undefined;
  }
}

class SwitchRecorder extends SquareRecorder implements SwitchLayer {
  constructor(readonly layer: SwitchLinear) {
    super();
  }

  get expertCount(): number {
    return this.layer.expertCount;
  }
  get inputDims(): number {
    return this.layer.inputDims;
  }
  get outputDims(): number {
    return this.layer.outputDims;
  }

  /** x: [T, m, in], of which each row goes through one expert of `indices` [T, n], or the one row through all n. */
  forward(x: Tensor, routing: Routing): Tensor {
    const { indices } = routing;
    const [T = 0, n = 0] = indices.shape;
    const squares = x
      .astype("float32")
      .square()
      .broadcastTo(T, n, this.inputDims)
      .reshape(T * n, this.inputDims);
    const chosen = indices
      .reshape(1, T * n)
      .equal(arange(0, this.expertCount).expandDims(1))
      .astype("float32"); // [E, T·n]
    this.record(keep(chosen.matmul(squares)), keep(chosen.sum(1)));
    return this.layer.forward(x, routing);
  }
  denseWeight(): Tensor {
    return this.layer.denseWeight();
  }
}

function added(sums: Float64Array | undefined, values: Tensor | undefined): Float64Array {
  const given = scope(() => values?.toFloat32() ?? new Float32Array());
  return Float64Array.from(given, (value, i) => value + (sums?.[i] ?? 0));
}
