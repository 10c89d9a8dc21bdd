import type { Sample } from "../data/sample.ts";
import { MersenneTwister } from "./mersenne-twister.ts";

// B rows · W padded length

/** Rows of token ids padded to one width, and the places whose next token is learnt. Plain numbers: no tensors yet. */
export interface Batch {
  rows: number;
  /** Input positions of a row: W − 1. */
  width: number;
  /** [B, W − 1] token ids, padded with 0 on the right. */
  inputs: number[];
  /** Places in the flattened inputs that predict a target. */
  positions: number[];
  /** The tokens to predict there. */
  targets: number[];
}

export interface BatchOptions {
  batchSize: number;
  maxSeqLength: number;
  seed: number;
}

/** The widths of batches are multiples of this, plus one. mlx-lm's 32 would pad short rows by half. */
const widthStep = { compat: 32, default: 8 };

/** Pads `samples` into a batch. In compat mode a padded row has one target more than tokens, as mlx-lm counts. */
export function makeBatch(samples: readonly Sample[], maxSeqLength: number, compat: boolean): Batch {
  const lengths = samples.map(({ ids }) => Math.min(ids.length, maxSeqLength));
  const longest = Math.max(...lengths);
  const step = compat ? widthStep.compat : widthStep.default;
  const padded = Math.min(1 + step * Math.ceil((longest - (compat ? 0 : 1)) / step), maxSeqLength);
  const width = padded - 1;
  const batch: Batch = { rows: samples.length, width, inputs: [], positions: [], targets: [] };
  for (const [row, sample] of samples.entries()) {
    const length = lengths[row] ?? 0;
    for (let i = 0; i < width; i++) batch.inputs.push(i < length ? (sample.ids[i] ?? 0) : 0);
    const spans = compat ? [[Math.max(1, sample.promptLength), Math.min(length, width) + 1] as const] : sample.targets;
    for (const [start, end] of spans) {
      for (let at = start; at < Math.min(end, padded); at++) {
        batch.positions.push(row * width + at - 1);
        batch.targets.push(at < length ? (sample.ids[at] ?? 0) : 0);
      }
    }
  }
  return batch;
}

/** Endless training batches, and the batches that measure a loss. */
export interface BatchSource {
  training(): Generator<Batch>;
  /** At most `count` batches, or all when `count` is negative. */
  measuring(samples: readonly Sample[], count: number): Generator<Batch>;
}

/**
 * Every row once in each pass. A pass is shuffled by seed and pass number, then rows of like length are put together
 * (within groups of 32 batches), so that little is padded; the order depends on nothing else.
 */
export class ShuffledBatches implements BatchSource {
  static readonly #groupBatches = 32;
  readonly #samples: readonly Sample[];
  readonly #options: BatchOptions;

  constructor(samples: readonly Sample[], options: BatchOptions) {
    this.#samples = samples;
    this.#options = options;
  }

  *training(): Generator<Batch> {
    for (let pass = 0; ; pass++) yield* this.#pass(pass);
  }

  *#pass(pass: number): Generator<Batch> {
    const { batchSize, maxSeqLength, seed } = this.#options;
    const random = new MersenneTwister((seed * 7919 + pass) >>> 0);
    const shuffled = random.shuffle([...this.#samples]);
    const groups = chunks(shuffled, batchSize * ShuffledBatches.#groupBatches);
    const batches = groups.flatMap((group) => chunks(byLength(group), batchSize));
    for (const samples of random.shuffle(batches)) yield makeBatch(samples, maxSeqLength, false);
  }

  /** The same rows every time, those first in the file, so that losses compare. */
  *measuring(samples: readonly Sample[], count: number): Generator<Batch> {
    const { batchSize, maxSeqLength } = this.#options;
    const rows = count < 0 ? [...samples] : samples.slice(0, count * batchSize);
    for (const batch of chunks(byLength(rows), batchSize)) yield makeBatch(batch, maxSeqLength, false);
  }
}

/**
 * The batches of mlx-lm: consecutive rows of the file, the last incomplete batch left out, the order of batches drawn from
 * one generator that training and validation share.
 */
export class CompatBatches implements BatchSource {
  readonly #samples: readonly Sample[];
  readonly #options: BatchOptions;
  readonly #random: MersenneTwister;

  constructor(samples: readonly Sample[], options: BatchOptions) {
    this.#samples = samples;
    this.#options = options;
    this.#random = new MersenneTwister(options.seed);
  }

  *training(): Generator<Batch> {
    for (;;) yield* this.#pass(this.#samples);
  }

  *measuring(samples: readonly Sample[], count: number): Generator<Batch> {
    let left = count < 0 ? Number.POSITIVE_INFINITY : count;
    if (left === 0) return;
    for (const batch of this.#pass(samples)) {
      yield batch;
      if (--left === 0) return;
    }
  }

  *#pass(samples: readonly Sample[]): Generator<Batch> {
    const { batchSize, maxSeqLength } = this.#options;
    const whole = chunks(samples, batchSize).filter((chunk) => chunk.length === batchSize);
    for (const index of this.#random.permutation(whole.length)) {
      yield makeBatch(whole[index] ?? [], maxSeqLength, true);
    }
  }
}

function byLength(samples: Sample[]): Sample[] {
  return samples.sort((a, b) => a.ids.length - b.ids.length);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
