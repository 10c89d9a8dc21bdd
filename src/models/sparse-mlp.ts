// Reference: mlx-lm models/switch_layers.py, and the sparse blocks of models/qwen3_moe.py and models/mixtral.py.
// B batch · L tokens · T tokens of all rows · n experts chosen for each · D hidden
import * as fast from "../core/fast.ts";
import { hasCpuKernels } from "../core/kernels.ts";
import { argpartition, argsort, softmax, stack, stopGradient, takeAlongAxis } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import { dispose } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { Linear, type LinearLayer } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { type Routing, type SwitchLayer, SwitchLinear } from "../nn/switch-linear.ts";

/** From so many choices on, MLX's products are faster over rows that are sorted by expert. */
const worthSorting = 64;

/** down(silu(gate(x)) · up(x)), with weights of its own for each expert. */
export class SwitchGLU extends Module {
  gate_proj: SwitchLayer;
  up_proj: SwitchLayer;
  down_proj: SwitchLayer;

  constructor(hiddenSize: number, intermediateSize: number, expertCount: number) {
    super();
    this.gate_proj = new SwitchLinear(hiddenSize, intermediateSize, expertCount);
    this.up_proj = new SwitchLinear(hiddenSize, intermediateSize, expertCount);
    this.down_proj = new SwitchLinear(intermediateSize, hiddenSize, expertCount);
  }

  /** x: [T, D] through the experts `indices` [T, n] → [T, n, D] */
  forward(x: Tensor, indices: Tensor): Tensor {
    // Our kernels gather each expert's rows themselves.
    if (indices.size < worthSorting || hasCpuKernels(x.dtype)) {
      return this.#through(x.expandDims(1), { indices, sorted: false });
    }
    const [T = 0, n = 0] = indices.shape;
    const flat = indices.flatten();
    const order = argsort(flat);
    const rows = x.take(order.floorDivide(n), 0).expandDims(1);
    const y = this.#through(rows, { indices: flat.take(order, 0).expandDims(1), sorted: true });
    return y.squeeze(1).take(argsort(order), 0).reshape(T, n, x.dim(1));
  }

  #through(x: Tensor, routing: Routing): Tensor {
    const up = this.up_proj.forward(x, routing);
    const gate = this.gate_proj.forward(x, routing);
    return this.down_proj.forward(fast.swiglu(gate, up), routing);
  }
}

export interface SparseOptions {
  hiddenSize: number;
  /** Of each expert. */
  intermediateSize: number;
  expertCount: number;
  /** How many experts each token goes through. */
  chosenCount: number;
  /** The weights of those chosen sum to 1. */
  normalize: boolean;
}

/** A mixture of experts: each token goes through the few that a router finds likeliest. Shazeer et al. 2017, arXiv:1701.06538. */
export class SparseMLP extends Module {
  gate: LinearLayer;
  switch_mlp: SwitchGLU;
  readonly #options: SparseOptions;

  constructor(options: SparseOptions) {
    super();
    const { hiddenSize, intermediateSize, expertCount } = options;
    this.gate = new Linear(hiddenSize, expertCount, { bias: false });
    this.switch_mlp = new SwitchGLU(hiddenSize, intermediateSize, expertCount);
    this.#options = options;
  }

  /** x: [B, L, D] → [B, L, D] */
  forward(x: Tensor): Tensor {
    const { expertCount, chosenCount, normalize } = this.#options;
    const [B = 0, L = 0, D = 0] = x.shape;
    const rows = x.reshape(B * L, D);
    const shares = softmax(this.gate.forward(rows).astype("float32"));
    const ranked = argpartition(shares, expertCount - chosenCount);
    const indices = stopGradient(ranked.slice(-1, expertCount - chosenCount));
    const chosen = takeAlongAxis(shares, indices, -1);
    const weights = normalize ? chosen.divide(chosen.sum(-1, true)) : chosen;
    const y = this.switch_mlp.forward(rows, indices);
    return y.multiply(weights.astype(y.dtype).expandDims(-1)).sum(1).reshape(B, L, D);
  }
}

/** Mixtral's names of the three projections. */
const projections: Record<string, string> = { w1: "gate_proj", w2: "down_proj", w3: "up_proj" };
const expertWeight = /^(.+)\.experts\.(\d+)\.(w[123]|gate_proj|up_proj|down_proj)\.(weight|scales|biases)$/;

/** Weights that a checkpoint has one by one for each expert → stacked, as mlx-lm names them: `switch_mlp.gate_proj`. */
export function stackExperts(weights: Weights, expertCount: number): Weights {
  const others: Weights = {};
  const groups = new Map<string, Weights>();
  for (const [name, tensor] of Object.entries(weights)) {
    const [, owner, , projection = "", kind] = expertWeight.exec(name) ?? [];
    if (owner === undefined) {
      others[name] = tensor;
      continue;
    }
    const target = `${owner}.switch_mlp.${projections[projection] ?? projection}.${kind}`;
    groups.set(target, { ...groups.get(target), [name]: tensor });
  }
  for (const [target, group] of groups) Object.assign(others, stacked(target, group, expertCount));
  return others;
}

// A group with experts missing stays as it is: loading then names what has no place, and what is missing.
function stacked(target: string, group: Weights, expertCount: number): Weights {
  const names = Object.keys(group).sort((a, b) => expertOf(a) - expertOf(b));
  const parts = names.flatMap((name) => group[name] ?? []);
  const isWhole = parts.length === expertCount && names.every((name, i) => expertOf(name) === i);
  const alike = new Set(parts.map((part) => String(part.shape))).size === 1;
  if (!isWhole || !alike) return group;
  const all = stack(parts);
  dispose(parts);
  return { [target]: all };
}

function expertOf(name: string): number {
  return Number(expertWeight.exec(name)?.[2]);
}
