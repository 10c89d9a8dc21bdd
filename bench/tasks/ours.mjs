// One measurement of Cygnet in a process of its own: the task is the JSON of the first argument, the result one line of
// JSON. mlx-lm.py does the same with mlx-lm, step for step.
import { existsSync, readFileSync } from "node:fs";
import { mlxVersion } from "../../dist/core/device.js";
import { limitCache, peakMemory, resetPeakMemory } from "../../dist/core/memory.js";
import * as random from "../../dist/core/random.js";
import { generateTokens } from "../../dist/generate/generate.js";
import { greedy } from "../../dist/generate/sampler.js";
import { loadModel } from "../../dist/models/load.js";
import { Adam } from "../../dist/optim/adam.js";
import { makeTrainable } from "../../dist/tuner/adapters.js";
import { Updater } from "../../dist/tuner/updater.js";

const task = JSON.parse(process.argv[2]);
const model = loadModel(task.model);
resetPeakMemory();
const measured = task.kind === "train" ? await train(task) : await generate(task);
const facts = { mlx: mlxVersion(), peakMemory: peakMemory(), peakRss: peakRss() };
process.stdout.write(`${JSON.stringify({ ...measured, ...facts })}\n`);

/** LoRA steps over one batch of full rows, as the trainer takes them. The first step only warms up. */
async function train({ batch: rows, steps, rank, scale, learningRate, seed }) {
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

/** Greedy tokens after a prompt: seconds to the first one, and seconds for all others. */
async function generate({ prompt, tokens, repeats }) {
  for await (const _ of generateTokens(model, prompt.slice(0, 8), { sampling: greedy, maxTokens: 2 }));
  const prefill = [];
  const decode = [];
  let ids = [];
  for (let i = 0; i < repeats; i++) {
    ids = [];
    const start = performance.now();
    let first = start;
    for await (const { id } of generateTokens(model, prompt, { sampling: greedy, maxTokens: tokens + 1 })) {
      if (ids.length === 0) first = performance.now();
      ids.push(id);
    }
    prefill.push((first - start) / 1000);
    decode.push((performance.now() - first) / 1000);
  }
  return { prefill, decode, ids };
}

/** Bytes that the process held at most. */
function peakRss() {
  if (!existsSync("/proc/self/status")) return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
}
