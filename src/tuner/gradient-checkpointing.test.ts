import { describe, expect, test } from "vitest";
import { relativeDifference } from "../../test/parity/fixtures.ts";
import { toyModel } from "../../test/toys.ts";
import { liveTensors } from "../core/memory.ts";
import { integers, tensor } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { dispose } from "../core/scope.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { valueAndGrad } from "../nn/value-and-grad.ts";
import { makeTrainable } from "./adapters.ts";
import { checkpointGradients } from "./gradient-checkpointing.ts";

const tokens = integers([1, 5, 2, 9, 1, 0], [2, 3]);

function tunable(dropout: number): LanguageModel {
  const model = toyModel("qwen3", { num_hidden_layers: 2 });
  makeTrainable(model, { fine_tune_type: "lora", num_layers: -1, lora_parameters: { rank: 2, scale: 4, dropout } });
  // B starts at zero, which would leave A without a gradient.
  const moved = Object.entries(model.trainableParameters()).map(
    ([path, x], i) => [path, x.add(0.1 + 0.01 * i)] as const,
  );
  model.update(Object.fromEntries(moved));
  return model.train();
}

function lossAndGradients(model: LanguageModel): { loss: number; gradients: Record<string, number[]> } {
  const { values, gradients } = valueAndGrad(model, () => [model.forward(tokens).logsumexp(-1).mean()]);
  const lists = Object.entries(gradients).map(([path, gradient]) => [path, gradient.toArray()]);
  return { loss: values[0]?.item() ?? Number.NaN, gradients: Object.fromEntries(lists) };
}

describe("gradient checkpointing", () => {
  test("gives the same loss and gradients", () => {
    const model = tunable(0);
    const plain = lossAndGradients(model);
    const undo = checkpointGradients(model);
    const found = lossAndGradients(model);
    undo();
    expect(model.blocks.some((block) => Object.hasOwn(block, "forward"))).toBe(false);
    expect(found.loss).toBe(plain.loss);
    for (const [path, expected] of Object.entries(plain.gradients)) {
      expect(relativeDifference(found.gradients[path] ?? [], expected), path).toBeLessThan(1e-5);
    }
  });

  test("drops the same elements in the gradient as in the loss", () => {
    const model = tunable(0.5);
    checkpointGradients(model);
    const value = () => {
      random.seed(3);
      return model.forward(tokens).logsumexp(-1).mean().item();
    };
    random.seed(3);
    const { loss, gradients } = lossAndGradients(model);
    expect(value()).toBe(loss);
    // The derivative along the gradient of all lora_b, by central differences under the same draws.
    const paths = Object.keys(gradients).filter((path) => path.endsWith("lora_b"));
    const parameters = model.parameters();
    const squares = paths.reduce((sum, path) => sum + (gradients[path] ?? []).reduce((s, g) => s + g * g, 0), 0);
    const step = 1e-2 / Math.sqrt(squares);
    const shifted = (by: number) => {
      const replacements = paths.map((path) => {
        const [x, gradient] = [parameters[path], gradients[path]];
        if (!x || !gradient) throw new Error(`no ${path}`);
        return [path, x.add(tensor(gradient, x.shape).multiply(by))] as const;
      });
      return model.withParameters(Object.fromEntries(replacements), value);
    };
    const slope = (shifted(step) - shifted(-step)) / (2 * step);
    expect(Math.abs(slope - squares) / squares).toBeLessThan(2e-2);
  });

  test("leaves the thread's sequence where a run without draws in the gradient leaves it, and no tensors", () => {
    const model = tunable(0.5);
    checkpointGradients(model);
    const run = () => {
      random.seed(3);
      const { values, gradients } = valueAndGrad(model, () => [model.forward(tokens).sum()]);
      dispose([values, gradients]);
      return random.state().toArray();
    };
    const state = run();
    const before = liveTensors();
    expect(run()).toEqual(state);
    expect(liveTensors()).toBe(before);
  });
});
