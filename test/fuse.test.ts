import { join } from "node:path";
import { expect, test } from "vitest";
import { mergeAdapters } from "../src/convert/merge-adapters.ts";
import { liveTensors } from "../src/core/memory.ts";
import { integers } from "../src/core/ops.ts";
import { scope } from "../src/core/scope.ts";
import type { LanguageModel } from "../src/models/language-model.ts";
import { loadModel } from "../src/models/load.ts";
import { loadAdapter } from "../src/tuner/load-adapter.ts";
import { cygnet, folderWith, hasShared, shared } from "./command-line.ts";

const fixtures = join(import.meta.dirname, "fixtures/peft/qwen3");
const [lora, rslora] = [join(fixtures, "lora"), join(fixtures, "rslora")];
const asTrained = { method: "linear", density: 1, dequantize: false } as const;

function logitsOf(model: LanguageModel): number[] {
  const [logits] = scope(() => [model.forward(integers([3, 1, 4, 1, 5], [1, 5]))]);
  const values = logits?.toArray() ?? [];
  logits?.dispose();
  return values;
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));
}

test("one adapter merged gives the logits of base and adapter, and leaves no tensors behind", () => {
  const model = loadModel(join(fixtures, "model"));
  const before = liveTensors();
  expect(mergeAdapters(model, [{ folder: lora, weight: 1 }], asTrained)).toHaveLength(6);
  expect(liveTensors()).toBe(before);
  const tuned = loadModel(join(fixtures, "model"));
  loadAdapter(tuned, lora);
  expect(distance(logitsOf(model), logitsOf(tuned))).toBeLessThan(1e-4);
});

test("several adapters add up, each as much as it is told, whatever their order", () => {
  const shares = [
    { folder: lora, weight: 0.7 },
    { folder: rslora, weight: -0.5 },
  ];
  const [one, other, halves] = [0, 1, 2].map(() => loadModel(join(fixtures, "model")));
  if (!one || !other || !halves) throw new Error("three models");
  mergeAdapters(one, shares, asTrained);
  mergeAdapters(other, shares.toReversed(), asTrained);
  mergeAdapters(
    halves,
    [...shares, ...shares].map(({ folder, weight }) => ({ folder, weight: weight / 2 })),
    asTrained,
  );
  expect(distance(logitsOf(one), logitsOf(other))).toBeLessThan(1e-4);
  expect(distance(logitsOf(one), logitsOf(halves))).toBeLessThan(1e-4);
  const ties = loadModel(join(fixtures, "model"));
  mergeAdapters(ties, shares, { ...asTrained, method: "ties", density: 0.5 });
  expect(distance(logitsOf(ties), logitsOf(one))).toBeGreaterThan(1e-3);
});

test("what cannot be: weights that are no numbers, bits of layers that are not packed, whole weights among others", () => {
  const target = join(folderWith({}), "fused");
  const fuse = (...more: string[]) =>
    cygnet(["fuse", "--model", join(fixtures, "model"), "--adapter-path", lora, "--save-path", target, ...more]);
  expect(fuse("--with-adapter", `${rslora}=much`).stderr).toContain("FOLDER=WEIGHT");
  expect(fuse("--touched-bits", "8").stderr).toContain("not quantized");
  const saved = join(import.meta.dirname, "fixtures/peft/llama/saved");
  const model = join(import.meta.dirname, "fixtures/peft/llama/model");
  const whole = cygnet(["fuse", "--model", model, "--adapter-path", saved, "--scale", "0.5", "--save-path", target]);
  expect([whole.status, whole.stderr]).toEqual([2, expect.stringContaining("--scale")]);
});

test.skipIf(!hasShared)(
  "a 4-bit base: the report tells what packing again costs, and 8 bits keep what was learnt",
  () => {
    const [base, data] = ["stories260K-mlx-4bit", "wikisql"].map((name) => join(shared, "data", name));
    if (!base || !data) throw new Error("a model and its data");
    const folder = folderWith({});
    const model = ["--model", base, "--adapter-path", join(folder, "run")];
    const steps = [
      "--iters",
      "60",
      "--batch-size",
      "2",
      "--learning-rate",
      "1e-4",
      "--num-layers",
      "-1",
      "--seed",
      "3",
    ];
    const trained = cygnet(["train", ...model, "--train", "--data", data, ...steps]);
    expect(trained.status, trained.stderr).toBe(0);
    const quality = (...more: string[]) => {
      const { status, stdout, stderr } = cygnet([
        "fuse",
        ...model,
        "--save-path",
        join(folder, "fused"),
        "--force",
        "--json",
        ...more,
      ]);
      expect(status, stderr).toBe(0);
      return JSON.parse(stdout).quality;
    };
    const [plain, mixed, dense] = [quality(), quality("--touched-bits", "8"), quality("--dequantize")];
    expect(plain.data).toBe(join(data, "valid.jsonl"));
    expect(plain.base_loss).toBeGreaterThan(plain.tuned_loss);
    expect(plain.kl).toBeGreaterThan(10 * mixed.kl);
    expect(mixed.kept).toBeGreaterThan(0.95);
    expect(dense.kept).toBeGreaterThan(0.999);
    console.info(`kept: ${plain.kept} packed again, ${mixed.kept} at 8 bits; KL ${plain.kl} and ${mixed.kl}`);
  },
  300_000,
);
