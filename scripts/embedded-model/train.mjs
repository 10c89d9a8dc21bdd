// Trains assets/cygnet-tiny from random weights with Cygnet's own trainer:
//
//   node scripts/embedded-model/corpus.mjs CORPUS_FOLDER
//   node scripts/embedded-model/tokenizer.mjs CORPUS_FOLDER MODEL_FOLDER
//   node scripts/embedded-model/train.mjs CORPUS_FOLDER MODEL_FOLDER [--iters 2600] [--rate 0.003]
//
// Needs `npm run setup`. Loss counts on answers only. About half an hour on two cores.

import { renameSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import * as cygnet from "../../dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    iters: { type: "string", default: "2600" },
    rate: { type: "string", default: "0.003" },
    rows: { type: "string", default: "64" },
  },
});
const [corpus, folder] = positionals;
if (!corpus || !folder) throw new Error("usage: train.mjs CORPUS_FOLDER MODEL_FOLDER");
const iters = Number(values.iters);
const rate = Number(values.rate);

/** Linear layers keep the size of their input; what is added to the residual stream shrinks with depth. GPT-2's scheme. */
function initialWeights(model) {
  const depth = (2 * model.config.num_hidden_layers) ** -0.5;
  const deviation = (path, tensor) => {
    if (path.includes("embed_tokens")) return 0.02;
    return tensor.dim(1) ** -0.5 * (/o_proj|down_proj/.test(path) ? depth : 1);
  };
  const matrices = Object.entries(model.parameters()).filter(([, tensor]) => tensor.ndim === 2);
  return Object.fromEntries(
    matrices.map(([path, tensor]) => [
      path,
      cygnet.random.normal(tensor.shape, { deviation: deviation(path, tensor) }),
    ]),
  );
}

async function samplesOf(tokenizer) {
  const rows = await cygnet.loadDataset(corpus);
  const options = { maskPrompt: true, maxSeqLength: 256 };
  const train = await cygnet.tokenizeRows(rows.train, tokenizer, options);
  const valid = await cygnet.tokenizeRows(rows.valid, tokenizer, options);
  return { train: train.samples, valid: valid.samples };
}

cygnet.random.seed(1);
const config = cygnet.readModelConfig(folder);
const model = cygnet.buildModel(config, folder);
model.update(initialWeights(model));
cygnet.transforms.evaluate(model.parameters());
const samples = await samplesOf(await cygnet.Tokenizer.load(folder));

const save = () => {
  const half = Object.entries(model.parameters()).map(([path, tensor]) => [path, tensor.astype("bfloat16")]);
  const part = `${folder}/model.part.safetensors`;
  cygnet.saveSafetensors(part, Object.fromEntries(half), { format: "mlx" });
  renameSync(part, `${folder}/model.safetensors`);
  return [`${folder}/model.safetensors`];
};

rmSync(`${folder}/model.safetensors`, { force: true });
const run = cygnet.train({
  model,
  optimizer: new cygnet.AdamW({ betas: [0.9, 0.98], weight_decay: 0.05, bias_correction: true }),
  schedule: cygnet.buildSchedule({ name: "cosine_decay", arguments: [rate, iters, rate / 50], warmup: 100 }),
  ...samples,
  settings: {
    iters,
    batch_size: Number(values.rows),
    max_seq_length: 256,
    val_batches: -1,
    steps_per_report: 50,
    steps_per_eval: 500,
    save_every: 500,
    grad_accumulation_steps: 1,
    grad_checkpoint: false,
    seed: 1,
  },
  save,
});
for await (const event of run) console.log(JSON.stringify(event));
