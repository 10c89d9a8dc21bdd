import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import * as random from "../../src/core/random.ts";
import { loadSafetensors } from "../../src/core/safetensors.ts";
import { loadModel } from "../../src/models/load.ts";
import { makeTrainable } from "../../src/tuner/adapters.ts";
import { index, parity, read } from "./fixtures.ts";

const Case = z.object({
  model: z.string(),
  seed: z.int(),
  num_layers: z.int(),
  fine_tune_type: z.enum(["lora", "dora", "full"]),
  lora_parameters: z.object({
    rank: z.int(),
    scale: z.number(),
    dropout: z.number(),
    keys: z.array(z.string()).optional(),
  }),
  trainable: z.record(z.string(), z.array(z.int())),
});

test.each(index["lora-init"])("initial adapters of %s are mlx-lm's, bit for bit", (name) => {
  const settings = read(join("lora-init", name), Case);
  const model = loadModel(join(parity, settings.model), { dtype: "keep" });
  random.seed(settings.seed);
  makeTrainable(model, settings);
  const trainable = model.trainableParameters();
  const shapes = Object.fromEntries(Object.entries(trainable).map(([path, tensor]) => [path, tensor.shape]));
  expect(shapes).toEqual(settings.trainable);
  const expected = loadSafetensors(join(parity, "lora-init", name.replace(".json", ".safetensors"))).tensors;
  expect(Object.keys(expected).length).toBeGreaterThan(0);
  for (const [path, tensor] of Object.entries(expected)) {
    expect(Buffer.compare(trainable[path]?.toBytes() ?? Buffer.of(), tensor.toBytes()), path).toBe(0);
  }
});
