import { clearCache, limitCache, peakMemory } from "../core/memory.ts";
import type { Weights } from "../core/safetensors.ts";
import type { Sample } from "../data/sample.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import type { Schedule } from "../optim/schedule.ts";
import type { TrainerEvent } from "../protocol/events.ts";
import { UserError } from "../protocol/user-error.ts";
import { type Batch, type BatchSource, CompatBatches, ShuffledBatches } from "./batches.ts";
import { evaluateLoss } from "./evaluate-loss.ts";
import { checkpointGradients } from "./gradient-checkpointing.ts";
import { Updater } from "./updater.ts";

/** The training keys of a config, by mlx-lm's names. */
export interface TrainerSettings {
  iters: number;
  batch_size: number;
  max_seq_length: number;
  val_batches: number;
  steps_per_report: number;
  steps_per_eval: number;
  save_every: number;
  grad_accumulation_steps: number;
  grad_checkpoint: boolean;
  seed: number;
  /** Bytes that may be kept for reuse after a step; without it nothing on a GPU, and on a CPU what the steps need again. */
  clear_cache_threshold?: number | undefined;
  /** `mlx-lm`: its batches, masks, averages and moments of validation, number for number. */
  compat?: "mlx-lm" | null | undefined;
}

export interface TrainerOptions {
  model: LanguageModel;
  optimizer: Optimizer;
  schedule: Schedule;
  train: readonly Sample[];
  valid: readonly Sample[];
  settings: TrainerSettings;
  /** Writes the state after `iteration` and returns the adapter files written. `isLast`: the run ends here. */
  save: (state: SaveState) => string[];
  /** Aborting it stops after the step at hand, with everything saved. */
  signal?: AbortSignal | undefined;
  /** Continues a run after this many iterations; model and optimizer hold their state already. */
  resumed?: Omit<SaveState, "isLast"> | undefined;
}

export interface SaveState {
  iteration: number;
  trainedTokens: number;
  /** Gradients summed for an update that is not complete. */
  accumulated: Weights;
  isLast: boolean;
}

type Progress = Extract<TrainerEvent, { type: "train" | "validation" | "checkpoint" }>;

/** How a run ended. */
export interface TrainerResult {
  iteration: number;
  interrupted: boolean;
}

/**
 * Trains the trainable parameters of a model, one event at a time. An iteration is one batch; parameters change every
 * `grad_accumulation_steps` iterations, by the mean over all target tokens of those batches.
 */
export async function* train(options: TrainerOptions): AsyncGenerator<Progress, TrainerResult> {
  const { model, settings, signal, valid, train: samples } = options;
  const { iters, steps_per_eval, steps_per_report, save_every, val_batches } = settings;
  const isCompat = settings.compat === "mlx-lm";
  const batches = batchesFor(samples, settings, isCompat);
  const updates = (isCompat ? compatMicroBatches : microBatches)(batches.training(), settings);
  const updater = new Updater(model, options.optimizer, options.schedule, options.resumed?.accumulated);
  const report = new Report(isCompat, steps_per_report, options.resumed?.trainedTokens ?? 0);
  const keepActivations = settings.grad_checkpoint ? checkpointGradients(model) : undefined;
  model.train();
  clearCache(); // what loading kept

  // mlx-lm measures before a step, at the first, every n-th and the last; otherwise the state after the step counts.
  const isMeasured = (iteration: number) => iteration % steps_per_eval === 0 || iteration === iters;
  const validate = async (iteration: number): Promise<Progress[]> => {
    if (valid.length === 0) return [];
    const start = performance.now();
    const val_loss = await evaluateLoss(model, batches.measuring(valid, val_batches));
    const val_time = (performance.now() - start) / 1000;
    return Number.isNaN(val_loss) ? [] : [{ type: "validation", iteration, val_loss, val_time }];
  };

  const save = (isLast: boolean): Progress => {
    const { accumulated } = updater;
    const files = options.save({ iteration, trainedTokens: report.tokens, accumulated, isLast });
    return { type: "checkpoint", iteration, files };
  };

  let iteration = 0;
  for (; iteration < (options.resumed?.iteration ?? 0); iteration++) {
    updates.next();
    if (isCompat && (iteration === 0 || isMeasured(iteration + 1))) batches.measuring(valid, val_batches).next();
  }
  try {
    if (!isCompat && iteration === 0) yield* await validate(0);

    while (iteration < iters && !signal?.aborted) {
      const { value: micro } = updates.next();
      iteration++;
      if (isCompat && (iteration === 1 || isMeasured(iteration))) yield* await validate(iteration - 1);

      const start = performance.now();
      const loss = await updater.step(micro.batch, micro);
      report.add(loss, micro.batch.targets.length, performance.now() - start);
      if (!Number.isFinite(loss) && !isCompat) throw new UserError("trainer/not-finite", { iteration, loss });
      limitCache(settings.clear_cache_threshold);

      if (iteration % steps_per_report === 0 || iteration === iters) yield report.take(iteration, updater.learningRate);
      if (!isCompat && isMeasured(iteration)) yield* await validate(iteration);
      if (iteration % save_every === 0 && iteration < iters) yield save(false);
    }
    yield save(true);
  } finally {
    updater.dispose();
    keepActivations?.();
    model.train(false);
  }
  return { iteration, interrupted: iteration < iters };
}

function batchesFor(samples: readonly Sample[], settings: TrainerSettings, isCompat: boolean): BatchSource {
  const { batch_size: batchSize, max_seq_length: maxSeqLength, seed } = settings;
  if (isCompat && samples.length < batchSize) {
    throw new UserError("trainer/fewer-rows-than-batch", { rows: samples.length, batchSize });
  }
  const Batches = isCompat ? CompatBatches : ShuffledBatches;
  return new Batches(samples, { batchSize, maxSeqLength, seed });
}

/** A batch, what its summed loss is divided by, and whether the parameters change after it. */
interface MicroBatch {
  batch: Batch;
  denominator: number;
  update: boolean;
}
type MicroBatches = Generator<MicroBatch, never>;

/** Batches grouped into updates, so that all target tokens of an update count alike. */
function* microBatches(training: Generator<Batch>, { iters, grad_accumulation_steps }: TrainerSettings): MicroBatches {
  for (let first = 1; ; first += grad_accumulation_steps) {
    const size = Math.max(1, Math.min(grad_accumulation_steps, iters - first + 1));
    const group = Array.from({ length: size }, () => next(training));
    const denominator = group.reduce((sum, batch) => sum + batch.targets.length, 0);
    for (const [i, batch] of group.entries()) yield { batch, denominator, update: i === size - 1 };
  }
}

/**
 * mlx-lm's updates: the mean of the batches' means, an incomplete last group dropped. Batches are drawn one by one, as
 * validation draws from the same generator in between.
 */
function* compatMicroBatches(training: Generator<Batch>, { grad_accumulation_steps }: TrainerSettings): MicroBatches {
  for (let iteration = 1; ; iteration++) {
    const batch = next(training);
    const denominator = batch.targets.length * grad_accumulation_steps;
    yield { batch, denominator, update: iteration % grad_accumulation_steps === 0 };
  }
}

function next(training: Generator<Batch>): Batch {
  const { value, done } = training.next();
  if (done) throw new Error("training batches are endless");
  return value;
}

/** Sums up the iterations since the last report. */
class Report {
  readonly #isCompat: boolean;
  readonly #stepsPerReport: number;
  #trainedTokens: number;
  #steps = 0;
  #losses = 0;
  #means = 0;
  #tokens = 0;
  #milliseconds = 0;

  constructor(isCompat: boolean, stepsPerReport: number, trainedTokens: number) {
    this.#isCompat = isCompat;
    this.#stepsPerReport = stepsPerReport;
    this.#trainedTokens = trainedTokens;
  }

  /** Target tokens of the whole run. */
  get tokens(): number {
    return this.#trainedTokens + this.#tokens;
  }

  add(summedLoss: number, tokens: number, milliseconds: number): void {
    this.#steps++;
    this.#losses += summedLoss;
    this.#means += summedLoss / tokens;
    this.#tokens += tokens;
    this.#milliseconds += milliseconds;
  }

  take(iteration: number, learning_rate: number): Progress {
    const seconds = this.#milliseconds / 1000;
    const event: Progress = {
      type: "train",
      iteration,
      train_loss: this.#isCompat ? this.#means / this.#steps : this.#losses / this.#tokens,
      learning_rate,
      iterations_per_second: (this.#isCompat ? this.#stepsPerReport : this.#steps) / seconds,
      tokens_per_second: this.#tokens / seconds,
      trained_tokens: this.tokens,
      peak_memory: peakMemory() / 1e9,
    };
    this.#trainedTokens = this.tokens;
    this.#steps = this.#losses = this.#means = this.#tokens = this.#milliseconds = 0;
    return event;
  }
}
