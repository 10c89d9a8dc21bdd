import { afterEach, expect, test } from "vitest";
import { pattern, patterned } from "../../test/gradients.ts";
import { useCpuKernels } from "../core/kernels.ts";
import * as random from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import { valueAndGrad } from "../nn/value-and-grad.ts";
import { SparseMLP, type SparseOptions, stackExperts } from "./sparse-mlp.ts";

afterEach(() => useCpuKernels(true));

const options: SparseOptions = {
  hiddenSize: 8,
  intermediateSize: 6,
  expertCount: 5,
  chosenCount: 2,
  normalize: true,
};
function sparse(changes: Partial<SparseOptions> = {}): SparseMLP {
  random.seed(3);
  return new SparseMLP({ ...options, ...changes });
}

/** One token through the layer, in plain numbers. */
function byHand(layer: SparseMLP, x: readonly number[], { chosenCount, normalize }: SparseOptions): number[] {
  const matrix = (w: Tensor): number[][] => Array.from({ length: w.dim(0) }, (_, row) => w.at(0, row).toArray());
  const apply = (w: Tensor, v: readonly number[]) =>
    matrix(w).map((row) => row.reduce((sum, each, i) => sum + each * (v[i] ?? 0), 0));
  const logits = apply(layer.gate.denseWeight(), x);
  const total = logits.reduce((sum, each) => sum + Math.exp(each), 0);
  const ranked = logits.map((logit, expert) => ({ expert, share: Math.exp(logit) / total }));
  const chosen = ranked.sort((a, b) => b.share - a.share).slice(0, chosenCount);
  const mass = normalize ? chosen.reduce((sum, { share }) => sum + share, 0) : 1;
  const { gate_proj, up_proj, down_proj } = layer.switch_mlp;
  const outputs = chosen.map(({ expert, share }) => {
    const up = apply(up_proj.denseWeight().at(0, expert), x);
    const gated = apply(gate_proj.denseWeight().at(0, expert), x).map(
      (g, i) => (g / (1 + Math.exp(-g))) * (up[i] ?? 0),
    );
    return apply(down_proj.denseWeight().at(0, expert), gated).map((each) => (each * share) / mass);
  });
  return x.map((_, i) => outputs.reduce((sum, output) => sum + (output[i] ?? 0), 0));
}

test.each([
  ["shares of the chosen sum to 1", {}],
  ["shares as the router gives them", { normalize: false, chosenCount: 3 }],
])("each token goes through its likeliest experts: %s", (_, changes) => {
  const layer = sparse(changes);
  const values = pattern(2 * 3 * 8);
  const found = layer.forward(patterned([2, 3, 8]));
  expect(found.shape).toEqual([2, 3, 8]);
  const expected = Array.from({ length: 6 }, (_, token) =>
    byHand(layer, values.slice(8 * token, 8 * token + 8), { ...options, ...changes }),
  ).flat();
  found.toArray().forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
  });
});

test("many tokens, sorted by expert for MLX, give the outputs and gradients of our kernels", () => {
  const layer = sparse();
  const run = (on: boolean) => {
    useCpuKernels(on);
    const { values, gradients } = valueAndGrad(layer, () => {
      const y = layer.forward(patterned([3, 40, 8]));
      return [y.multiply(patterned([3, 40, 8], 1)).sum(), y];
    });
    evaluate(values, gradients);
    return [...values, ...Object.values(gradients)].map((each) => each.toArray());
  };
  const [ours, plain] = [run(true), run(false)];
  expect(ours.length).toBe(2 + 4);
  ours.forEach((values, which) => {
    const expected = plain[which] ?? [];
    const size = Math.max(...expected.map(Math.abs));
    values.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] ?? Number.NaN)) / size).toBeLessThan(1e-5);
    });
  });
});

test("experts of a checkpoint are stacked in their order, in both spellings", () => {
  const weights = Object.fromEntries(
    [10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9].flatMap((expert) => [
      [`model.layers.0.mlp.experts.${expert}.gate_proj.weight`, patterned([2, 3], expert)],
      [`model.layers.1.block_sparse_moe.experts.${expert}.w2.weight`, patterned([3, 2], expert)],
      [`model.layers.1.block_sparse_moe.experts.${expert}.w2.scales`, patterned([3, 1], expert)],
    ]),
  );
  const stacked = stackExperts({ ...weights, "model.norm.weight": patterned([2]) }, 11);
  expect(Object.fromEntries(Object.entries(stacked).map(([name, w]) => [name, w.shape]))).toEqual({
    "model.norm.weight": [2],
    "model.layers.0.mlp.switch_mlp.gate_proj.weight": [11, 2, 3],
    "model.layers.1.block_sparse_moe.switch_mlp.down_proj.weight": [11, 3, 2],
    "model.layers.1.block_sparse_moe.switch_mlp.down_proj.scales": [11, 3, 1],
  });
  const last = stacked["model.layers.0.mlp.switch_mlp.gate_proj.weight"]?.at(0, 10);
  expect(last?.toArray()).toEqual(patterned([2, 3], 10).toArray());
});

test("experts that are not all there, or unlike, keep their names, for loading to tell", () => {
  const name = (expert: number) => `model.layers.0.mlp.experts.${expert}.gate_proj.weight`;
  const missing = { [name(0)]: patterned([2, 3]), [name(2)]: patterned([2, 3]) };
  expect(Object.keys(stackExperts(missing, 3))).toEqual([name(0), name(2)]);
  expect(Object.keys(stackExperts(missing, 2))).toEqual([name(0), name(2)]);
  const unlike = { [name(0)]: patterned([2, 3]), [name(1)]: patterned([2, 4]) };
  expect(Object.keys(stackExperts(unlike, 2))).toEqual([name(0), name(1)]);
});
