import { describe, expect, test } from "vitest";
import { liveTensors } from "../core/memory.ts";
import { full, ones, zeros } from "../core/ops.ts";
import type { Tensor } from "../core/tensor.ts";
import { UserError } from "../protocol/user-error.ts";
import { Dropout } from "./dropout.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { RMSNorm } from "./norm.ts";
import { valueAndGrad } from "./value-and-grad.ts";

class Block extends Module {
  proj = new Linear(2, 2, { bias: false });
  dropout = new Dropout(0.5);
  readonly size = 2;
  readonly #hidden = ones([1]);

  get hidden(): Tensor {
    return this.#hidden;
  }
}

class Model extends Module {
  embed = ones([3, 2]);
  layers = [new Block(), new Block()];
  norm = new RMSNorm(2, 1e-5);
  declare absent?: Tensor;
}

const paths = ["embed", "layers.0.proj.weight", "layers.1.proj.weight", "norm.weight"];

function mismatchOf(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    if (error instanceof UserError && error.code === "model/weights-mismatch") return error.facts;
    throw error;
  }
  return undefined;
}

describe("parameters", () => {
  test("are the tensors of public fields, by the path of field names", () => {
    expect(Object.keys(new Model().parameters())).toEqual(paths);
    expect([...new Model().modules()].map(([path]) => path)).toEqual([
      "",
      "layers.0",
      "layers.0.proj",
      "layers.0.dropout",
      "layers.1",
      "layers.1.proj",
      "layers.1.dropout",
      "norm",
    ]);
  });

  test("find gives the module at a path, or nothing", () => {
    const model = new Model();
    expect(model.find("layers.1.proj")).toBe(model.layers[1]?.proj);
    expect(model.find("")).toBe(model);
    expect([model.find("layers.2"), model.find("embed"), model.find("layers.0.size.x")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("freeze and unfreeze say which of them train, here and below", () => {
    const model = new Model();
    expect(Object.keys(model.trainableParameters())).toEqual(paths);
    model.freeze();
    expect(model.trainableParameters()).toEqual({});
    model.layers[1]?.unfreeze();
    expect(Object.keys(model.trainableParameters())).toEqual(["layers.1.proj.weight"]);
    expect(Object.keys(model.parameters())).toEqual(paths);
    model.unfreeze();
    expect(Object.keys(model.trainableParameters())).toEqual(paths);
  });

  test("train switches the mode of everything below", () => {
    const model = new Model().train();
    expect([model.training, model.layers[0]?.dropout.training]).toEqual([true, true]);
    model.train(false);
    expect([model.training, model.layers[0]?.dropout.training]).toEqual([false, false]);
  });

  test("replace puts another module into the place", () => {
    const model = new Model();
    const other = new Linear(2, 5);
    model.replace("layers.0.proj", other);
    expect(model.find("layers.0.proj")).toBe(other);
    expect(Object.keys(model.parameters())).toContain("layers.0.proj.bias");
    expect(() => model.replace("layers.0.nothing", other)).toThrow("no parameter or module at layers.0.nothing");
    expect(() => model.replace("layers.7.proj", other)).toThrow("no parameter or module at layers.7.proj");
  });

  test("update frees the tensors that it replaces, once", () => {
    const model = new Model();
    const before = liveTensors();
    const [old, fresh] = [model.embed, zeros([3, 2])];
    model.update({ embed: fresh });
    expect(() => old.shape).toThrow("tensor is already freed");
    model.update({ embed: fresh });
    expect(model.embed.toArray()).toEqual([0, 0, 0, 0, 0, 0]);
    expect(liveTensors()).toBe(before);
    expect(() => model.update({ other: fresh })).toThrow("no parameter or module at other");
  });

  test("dispose frees them all", () => {
    const model = new Model();
    const parameters = Object.values(model.parameters());
    const before = liveTensors();
    model.dispose();
    expect(liveTensors()).toBe(before - parameters.length);
    for (const each of parameters) expect(() => each.shape).toThrow("tensor is already freed");
  });
});

describe("withParameters", () => {
  test("puts others in their place while the body runs", () => {
    const model = new Model();
    const seen = model.withParameters({ embed: full([1], 7), "norm.weight": full([1], 8) }, () => [
      model.embed.item(),
      model.norm.weight.item(),
    ]);
    expect(seen).toEqual([7, 8]);
    expect([model.embed.shape, model.norm.weight.shape]).toEqual([[3, 2], [2]]);
  });

  test("puts them back after a throw, and refuses unknown paths before it changes any", () => {
    const model = new Model();
    const { embed } = model;
    const failing = () =>
      model.withParameters({ embed: full([1], 7) }, () => {
        throw new Error("in the body");
      });
    expect(failing).toThrow("in the body");
    expect(model.embed).toBe(embed);
    expect(() => model.withParameters({ embed: full([1], 7), nothing: embed }, () => 0)).toThrow("at nothing");
    expect(model.embed).toBe(embed);
  });

  test("valueAndGrad differentiates the trainable parameters and puts them back, after a throw too", () => {
    const model = new Model();
    model.freeze();
    model.norm.unfreeze();
    const { weight } = model.norm;
    const { values, gradients } = valueAndGrad(model, () => [model.norm.weight.square().sum(), model.embed]);
    expect(values[0]?.item()).toBe(2);
    expect(Object.entries(gradients).map(([path, gradient]) => [path, gradient.toArray()])).toEqual([
      ["norm.weight", [2, 2]],
    ]);
    const failing = () =>
      valueAndGrad(model, () => {
        throw new Error("in the loss");
      });
    expect(failing).toThrow("in the loss");
    expect(model.norm.weight).toBe(weight);
    expect(weight.toArray()).toEqual([1, 1]);
  });
});

describe("loadWeights", () => {
  const weights = () => ({
    embed: zeros([3, 2]),
    "layers.0.proj.weight": zeros([2, 2]),
    "layers.1.proj.weight": zeros([2, 2]),
    "norm.weight": zeros([2]),
  });

  test("takes weights by path", () => {
    const model = new Model();
    model.loadWeights(weights(), { source: "here" });
    expect(Object.values(model.parameters()).every((each) => each.sum().item() === 0)).toBe(true);
  });

  test("names what is missing, unexpected and misshapen at once, and changes nothing", () => {
    const model = new Model();
    const { embed: _, ...others } = weights();
    const given = { ...others, "norm.weight": zeros([3]), "lm_head.weight": zeros([1]) };
    expect(mismatchOf(() => model.loadWeights(given, { source: "here" }))).toEqual({
      source: "here",
      missing: ["embed"],
      unexpected: ["lm_head.weight"],
      misshapen: ["norm.weight [3], expected [2]"],
    });
    expect(model.embed.sum().item()).toBe(6);
    expect(model.norm.weight.toArray()).toEqual([1, 1]);
  });

  test("takes some of the weights when not strict", () => {
    const model = new Model();
    model.loadWeights({ "norm.weight": zeros([2]) }, { source: "here", strict: false });
    expect(model.norm.weight.toArray()).toEqual([0, 0]);
  });
});
