import { limitCache, resetPeakMemory } from "../../../dist/core/memory.js";
import * as random from "../../../dist/core/random.js";
import { loadModel } from "../../../dist/models/load.js";
import { Adam } from "../../../dist/optim/adam.js";
import { makeTrainable } from "../../../dist/tuner/adapters.js";
import { Updater } from "../../../dist/tuner/updater.js";

/** LoRA steps over one batch of full rows, as the trainer takes them. The first step only warms up. */
export async function measure({ model: folder, dtype, batch: rows, steps, rank, scale, learningRate, seed }) {
  const model = loadModel(folder, { dtype });
  resetPeakMemory();
  random.seed(seed);
  makeTrainable(model, { fine_tune_type: "lora", num_layers: -1, lora_parameters: { rank, scale, dropout: 0 } });
  model.train();
  const updater = new Updater(model, new Adam(), () => learningRate);
  const width = rows[0].length - 1;
  const targets = rows.flatMap((row) => row.slice(1));
  const inputs = rows.flatMap((row) => row.slice(0, -1));
  const batch = { rows: rows.length, width, inputs, positions: targets.map((_, at) => at), targets };
  const losses = [];
  const seconds = [];
  for (let step = 0; step <= steps; step++) {
    const start = performance.now();
    const sum = await updater.step(batch, { denominator: targets.length, update: true });
    limitCache();
    seconds.push((performance.now() - start) / 1000);
    losses.push(sum / targets.length);
  }
  return { losses, seconds: seconds.slice(1) };
}
