import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { here, restoreKernels } from "../../test/cpu-kernels.ts";
import { parity } from "../../test/parity/fixtures.ts";
import { sharedData } from "../../test/shared-data.ts";
import type { DType } from "../core/dtype.ts";
import { useCpuKernels } from "../core/kernels.ts";
import * as random from "../core/random.ts";
import type { Sample } from "../data/sample.ts";
import { loadModel } from "../models/load.ts";
import { Adam } from "../optim/adam.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { makeTrainable } from "./adapters.ts";
import { train } from "./trainer.ts";

afterEach(restoreKernels);

const texts = [
  "Once upon a time there was a little girl who had a red ball. She played with it all day long.",
  "One day a bird found a shiny stone in the forest. It took the stone home to its nest.",
  "The dog and the cat were friends. They liked to run in the park and to sleep in the sun.",
  "A boy named Tim saw a big tree. He wanted to climb it, but his mother said no.",
  "The rain came down and the little duck was happy. It jumped into the water again and again.",
];

async function samplesFor(folder: string): Promise<Sample[]> {
  const tokenizer = await Tokenizer.load(folder);
  const encoded = await Promise.all(texts.map((text) => tokenizer.encode(text)));
  return encoded.map((all, i) => {
    const ids = all.slice(0, 20 + 11 * i);
    return {
      ids,
      promptLength: 0,
      targets: [[1, ids.length]],
      row: { form: "text", text: "", file: "x", line: i + 1 },
    };
  });
}

/** The loss of each of 30 steps of LoRA. */
async function curve(folder: string, kernels: boolean, dtype: DType): Promise<number[]> {
  useCpuKernels(kernels);
  random.seed(7);
  const model = loadModel(folder, { dtype });
  makeTrainable(model, { fine_tune_type: "lora", num_layers: -1, lora_parameters: { rank: 4, scale: 10, dropout: 0 } });
  const settings = {
    ...{ iters: 30, batch_size: 4, max_seq_length: 64, val_batches: -1, steps_per_report: 1, steps_per_eval: 100 },
    ...{ save_every: 100, grad_accumulation_steps: 1, grad_checkpoint: false, seed: 0 },
  };
  const run = {
    model,
    optimizer: new Adam(),
    schedule: () => 2e-4,
    train: await samplesFor(folder),
    valid: [],
    settings,
    save: () => [],
  };
  const losses: number[] = [];
  for await (const event of train(run)) if (event.type === "train") losses.push(event.train_loss);
  return losses;
}

const folders = ["llama-4bit-g64", "qwen3-4bit-g32"];
const stories = join(sharedData, "stories260K-mlx-4bit");
const models = folders.map((name) => ({ name, folder: join(parity, "models", name) }));
if (existsSync(stories)) models.push({ name: basename(stories), folder: stories });

describe.skipIf(!here).each(models)("LoRA on packed $name", ({ folder }) => {
  test("follows the curve of MLX's plain operations, in bfloat16 closer than they do", async () => {
    const exact = await curve(folder, false, "float32");
    expect(exact).toHaveLength(30);
    expect(exact.at(-1)).toBeLessThan(0.6 * (exact[0] ?? 0));
    const distance = async (kernels: boolean, dtype: DType) => {
      const losses = await curve(folder, kernels, dtype);
      return Math.max(...exact.map((each, i) => Math.abs(1 - (losses[i] ?? Number.NaN) / each)));
    };
    expect(await distance(true, "float32")).toBeLessThan(1e-3);
    expect(await distance(true, "bfloat16")).toBeLessThan(1e-3 + (await distance(false, "bfloat16")));
  });
});
