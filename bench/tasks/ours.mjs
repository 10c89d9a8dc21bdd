// One measurement of Cygnet in a process of its own: the task is the JSON of the first argument, the result one line of
// JSON. mlx-lm.py and pytorch.py do the same with those, step for step.
import { mlxVersion } from "../../dist/core/device.js";
import { limitCache, peakMemory, resetPeakMemory } from "../../dist/core/memory.js";
import { integers } from "../../dist/core/ops.js";
import * as random from "../../dist/core/random.js";
import { scope } from "../../dist/core/scope.js";
import { asyncEval } from "../../dist/core/transforms.js";
import { generateTokens } from "../../dist/generate/generate.js";
import { greedy } from "../../dist/generate/sampler.js";
import { loadModel } from "../../dist/models/load.js";
import { Adam } from "../../dist/optim/adam.js";
import { makeTrainable } from "../../dist/tuner/adapters.js";
import { Updater } from "../../dist/tuner/updater.js";
import { cpuSeconds, memory } from "./process.mjs";

const task = JSON.parse(process.argv[2]);
const importedRss = memory("VmRSS");
const model = loadModel(task.model, { dtype: task.dtype });
resetPeakMemory();
const measured = await { train, generate, rows: decodeRows }[task.kind](task);
const facts = { mlx: mlxVersion(), peakMemory: peakMemory(), importedRss, peakRss: memory("VmHWM") };
process.stdout.write(`${JSON.stringify({ ...measured, ...facts, cpuSeconds: cpuSeconds() })}\n`);

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

/** Seconds to decode some tokens for one prompt alone, and for all prompts together. */
async function decodeRows({ prompts, tokens, repeats }) {
  await decodeTogether(prompts.slice(0, 1), 2);
  const one = [];
  const many = [];
  for (let i = 0; i < repeats; i++) {
    one.push(await decodeTogether(prompts.slice(0, 1), tokens));
    many.push(await decodeTogether(prompts, tokens));
  }
  return { one, many };
}

/** Seconds for `count` greedy tokens after each of `prompts`, which are equally long; the first ones are not counted. */
async function decodeTogether(prompts, count) {
  const cache = model.makeCache();
  const next = async (tokens) => {
    const chosen = scope(() => model.logits(model.hidden(tokens, cache).at(1, -1)).argmax(-1).reshape(-1, 1));
    tokens.dispose();
    await asyncEval(
      chosen,
      cache.flatMap((layer) => layer.state),
    );
    return chosen;
  };
  let tokens = await next(integers(prompts.flat(), [prompts.length, prompts[0].length]));
  const start = performance.now();
  for (let i = 0; i < count; i++) tokens = await next(tokens);
  const seconds = (performance.now() - start) / 1000;
  tokens.dispose();
  for (const layer of cache) layer.dispose();
  return seconds;
}
