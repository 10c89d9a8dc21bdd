import { afterEach, describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { relativeDifference } from "../../test/parity/fixtures.ts";
import { toyModel } from "../../test/toys.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { integers } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import type { Sample } from "../data/sample.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { valueAndGrad } from "../nn/value-and-grad.ts";
import { makeTrainable } from "./adapters.ts";
import { makeBatch } from "./batches.ts";
import { evaluateLoss } from "./evaluate-loss.ts";
import { summedLoss } from "./loss.ts";

const rows: Sample[] = [9, 4, 6].map((length, row) => ({
  ids: Array.from({ length }, (_, i) => (5 * i + 7 * row + 1) % 24),
  promptLength: 2,
  targets: [[2, length]],
  row: { form: "text", text: "", file: "x.jsonl", line: row + 1 },
}));
const batch = makeBatch(rows, 64, false);

afterEach(() => useCpuKernels(true));

function tuned(changes: Record<string, unknown>, keys?: string[], type: "lora" | "full" = "lora"): LanguageModel {
  const model = toyModel("qwen3", changes);
  makeTrainable(model, {
    fine_tune_type: type,
    num_layers: -1,
    lora_parameters: { rank: 2, scale: 4, dropout: 0, keys },
  });
  const moved = Object.entries(model.trainableParameters()).map(
    ([path, x], i) => [path, x.add(patterned(x.shape, i).multiply(0.1))] as const,
  );
  model.update(Object.fromEntries(moved));
  return model;
}

function lossAndGradients(model: LanguageModel): { loss: number; gradients: number[][] } {
  const { values, gradients } = valueAndGrad(model, () => [summedLoss(model, batch, { gradient: true })]);
  return {
    loss: values[0]?.item() ?? Number.NaN,
    gradients: Object.values(gradients).map((gradient) => gradient.toArray()),
  };
}

/** The loss from all logits, in float64. */
function plainLoss(model: LanguageModel): number {
  return scope(() => model.forward(integers(batch.inputs, [batch.rows, batch.width])).reshape(-1, 24))
    .take(integers(batch.positions), 0)
    .toArray()
    .reduce<number[][]>((all, each, i) => {
      if (i % 24 === 0) all.push([]);
      all.at(-1)?.push(each);
      return all;
    }, [])
    .reduce((sum, logits, row) => {
      const total = logits.reduce((s, each) => s + Math.exp(each), 0);
      return sum + Math.log(total) - (logits[batch.targets[row] ?? 0] ?? Number.NaN);
    }, 0);
}

describe.each([
  ["tied head", tuned({})],
  ["untied head", tuned({ tie_word_embeddings: false })],
  ["adapter on the head", tuned({ tie_word_embeddings: false }, ["lm_head", "self_attn.q_proj"])],
  ["adapter on a tied embedding", tuned({}, ["model.embed_tokens", "self_attn.q_proj"])],
  ["full training of the blocks", tuned({}, undefined, "full")],
  ["full training of everything", toyModel("qwen3")],
] as const)("summedLoss, %s", (_, model) => {
  test("our kernel, MLX's operations and the loss from whole logits agree, gradients included", () => {
    const kernel = lossAndGradients(model);
    useCpuKernels(false);
    const chunked = lossAndGradients(model);
    expect(relativeDifference([kernel.loss], [chunked.loss])).toBeLessThan(1e-6);
    expect(relativeDifference([kernel.loss], [plainLoss(model)])).toBeLessThan(1e-6);
    chunked.gradients.forEach((expected, i) => {
      expect(relativeDifference(kernel.gradients[i] ?? [], expected)).toBeLessThan(5e-6);
    });
  });
});

test("MLX's operations in several chunks give the loss and gradients of one", () => {
  useCpuKernels(false);
  const model = tuned({ tie_word_embeddings: false }, ["lm_head", "self_attn.q_proj"]);
  const one = lossAndGradients(model);
  // A chunk is 128 MB of logits but at least 16 rows: a vocabulary that large makes several.
  const inChunks = new Proxy(model, {
    get: (target, key) =>
      key === "config" ? { ...target.config, vocab_size: 2 ** 40 } : Reflect.get(target, key, target),
  });
  expect(batch.targets.length).toBeLessThan(16);
  const long = makeBatch([...rows, ...rows, ...rows], 64, false);
  const { values, gradients } = valueAndGrad(model, () => [summedLoss(inChunks, long, { gradient: true })]);
  expect(relativeDifference([values[0]?.item() ?? 0], [3 * one.loss])).toBeLessThan(1e-6);
  Object.values(gradients).forEach((gradient, i) => {
    expect(
      relativeDifference(
        gradient.toArray(),
        (one.gradients[i] ?? []).map((each) => 3 * each),
      ),
    ).toBeLessThan(5e-6);
  });
});

test("evaluateLoss is the mean over all target tokens, without dropout, and keeps the mode", async () => {
  const model = toyModel("qwen3");
  makeTrainable(model, { fine_tune_type: "lora", num_layers: 1, lora_parameters: { rank: 2, scale: 4, dropout: 0.9 } });
  model.update(Object.fromEntries(Object.entries(model.trainableParameters()).map(([path, x]) => [path, x.add(0.1)])));
  model.train();
  const single = rows.map((row) => makeBatch([row], 64, false));
  const found = await evaluateLoss(model, single);
  expect(model.training).toBe(true);
  model.train(false);
  expect(relativeDifference([found], [plainLoss(model) / batch.targets.length])).toBeLessThan(1e-6);
  expect(await evaluateLoss(model, [])).toBeNaN();
});
