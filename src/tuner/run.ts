import { join } from "node:path";
import * as random from "../core/random.ts";
import { loadSafetensors, saveSafetensors } from "../core/safetensors.ts";
import { type Dataset, loadDataset } from "../data/dataset.ts";
import { requireTargets, type Sample, tokenizeRows } from "../data/sample.ts";
import type { PullHooks } from "../hub/pull.ts";
import { resolveRepository } from "../hub/resolve.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { loadModel } from "../models/load.ts";
import { Adam, AdamW } from "../optim/adam.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { buildSchedule, type Schedule } from "../optim/schedule.ts";
import { SGD } from "../optim/sgd.ts";
import type { TrainerEvent } from "../protocol/events.ts";
import { say } from "../protocol/language.ts";
import type { Code, Facts } from "../protocol/messages/catalogue.ts";
import { UserError } from "../protocol/user-error.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { loadTrainable, makeTrainable } from "./adapters.ts";
import { CompatBatches, ShuffledBatches } from "./batches.ts";
import { removeCheckpoints, restoreCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import type { TrainConfig } from "./config.ts";
import { evaluateLoss } from "./evaluate-loss.ts";
import { loadAdapter } from "./load-adapter.ts";
import { countParameters } from "./parameter-count.ts";
import { writeRunConfig } from "./run-folder.ts";
import { type SaveState, train } from "./trainer.ts";

export interface RunOptions {
  /** Aborting it ends the run after the step at hand, saved. */
  signal?: AbortSignal | undefined;
  /** Told when the model or the data have to be downloaded. */
  download?: PullHooks | undefined;
}

interface Samples {
  train: Sample[];
  valid: Sample[];
  test: Sample[];
  truncated: number;
}

/**
 * The training run that a config describes, from files to files. Data are read and checked before the model is loaded,
 * and nothing is written before both are.
 */
export async function* runTraining(config: TrainConfig, options: RunOptions = {}): AsyncGenerator<TrainerEvent> {
  const { signal } = options;
  const { hub, offline } = config;
  const hooks = { hub, offline, ...options.download, signal };
  // The data first: they are small, and most mistakes are in them.
  const rows = await loadDataset(await resolveRepository(config.data, "dataset", hooks), config);
  const folder = await resolveRepository(config.model, "model", hooks);
  const samples = await tokenizeAll(config, rows, await Tokenizer.load(folder));
  const model = loadModel(folder, config.compat === "mlx-lm" ? { dtype: "keep" } : {});
  rejectForeignTokens(model, samples);
  if (config.train) yield* trainAndSave(config, model, samples, signal);
  else loadAdapter(model, config.adapter_path);
  if (config.test && !signal?.aborted) yield await measureTest(config, model, samples.test);
}

async function tokenizeAll(config: TrainConfig, rows: Dataset, tokenizer: Tokenizer): Promise<Samples> {
  const options = {
    maskPrompt: config.mask_prompt,
    compat: config.compat === "mlx-lm",
    maxSeqLength: config.max_seq_length,
  };
  const train = await tokenizeRows(config.train ? rows.train : [], tokenizer, options);
  const valid = await tokenizeRows(config.train ? rows.valid : [], tokenizer, options);
  const test = await tokenizeRows(config.test ? rows.test : [], tokenizer, options);
  const samples = { train: train.samples, valid: valid.samples, test: test.samples };
  requireTargets(Object.values(samples).flat());
  return { ...samples, truncated: train.truncated + valid.truncated + test.truncated };
}

function rejectForeignTokens(model: LanguageModel, { train, valid, test }: Samples): void {
  const size = model.config.vocab_size;
  for (const { ids, row } of [...train, ...valid, ...test]) {
    const id = ids.find((each) => each >= size);
    if (id !== undefined) {
      throw new UserError("trainer/token-outside-vocabulary", { id, size, row: `${row.file}:${row.line}` });
    }
  }
}

async function* trainAndSave(
  config: TrainConfig,
  model: LanguageModel,
  samples: Samples,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainerEvent> {
  const { adapter_path: folder } = config;
  random.seed(config.seed);
  makeTrainable(model, config);
  const optimizer = optimizerOf(config);
  if (config.resume_adapter_file) {
    loadTrainable(model, loadSafetensors(config.resume_adapter_file).tensors, config.resume_adapter_file);
  }
  const resumed = config.resume ? restoreCheckpoint(folder, model, optimizer) : undefined;
  writeRunConfig(config);
  if (!resumed) removeCheckpoints(folder); // of an earlier run in this folder: --resume must not take them

  yield {
    type: "start",
    time: new Date().toISOString(),
    model: config.model,
    adapter_path: folder,
    fine_tune_type: config.fine_tune_type,
    iters: config.iters,
    resumed_from: resumed?.iteration ?? 0,
    ...countParameters(model),
    train_rows: samples.train.length,
    valid_rows: samples.valid.length,
  };
  if (samples.truncated > 0)
    yield warning("trainer/truncated", { rows: samples.truncated, length: config.max_seq_length });
  if (samples.valid.length === 0) yield warning("trainer/no-validation", { folder: config.data });

  const start = performance.now();
  const result = yield* train({
    model,
    optimizer,
    schedule: scheduleOf(config),
    train: samples.train,
    valid: samples.valid,
    settings: config,
    save: (state) => saveRun(folder, model, optimizer, state),
    signal,
    resumed,
  });
  optimizer.dispose();
  yield {
    type: result.interrupted ? "interrupted" : "done",
    time: new Date().toISOString(),
    iteration: result.iteration,
    seconds: (performance.now() - start) / 1000,
  };
}

/** The adapter as mlx-lm writes it, a numbered copy unless the run ends, and a checkpoint to continue from. */
function saveRun(folder: string, model: LanguageModel, optimizer: Optimizer, state: SaveState): string[] {
  const name = `${String(state.iteration).padStart(7, "0")}_adapters.safetensors`;
  const files = state.isLast ? ["adapters.safetensors"] : ["adapters.safetensors", name];
  saveCheckpoint(folder, model, optimizer, state);
  return files.map((file) => {
    const path = join(folder, file);
    saveSafetensors(path, model.trainableParameters());
    return path;
  });
}

function optimizerOf({ optimizer, optimizer_config }: TrainConfig): Optimizer {
  if (optimizer === "sgd") return new SGD(optimizer_config.sgd);
  return optimizer === "adamw" ? new AdamW(optimizer_config.adamw) : new Adam(optimizer_config.adam);
}

function scheduleOf({ lr_schedule, learning_rate }: TrainConfig): Schedule {
  return lr_schedule ? buildSchedule(lr_schedule) : () => learning_rate;
}

async function measureTest(config: TrainConfig, model: LanguageModel, test: readonly Sample[]): Promise<TrainerEvent> {
  const { batch_size: batchSize, max_seq_length: maxSeqLength, seed } = config;
  const Batches = config.compat === "mlx-lm" ? CompatBatches : ShuffledBatches;
  const batches = new Batches([], { batchSize, maxSeqLength, seed });
  const test_loss = await evaluateLoss(model, batches.measuring(test, config.test_batches));
  return { type: "test", test_loss, test_ppl: Math.exp(test_loss) };
}

function warning<C extends Code>(code: C, facts: Facts[C]): TrainerEvent {
  return { type: "warning", code, message: say(code, facts) };
}
