import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { index, parity, read } from "../../test/parity/fixtures.ts";
import { loadDataset } from "../data/dataset.ts";
import { type Sample, tokenizeRows } from "../data/sample.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Batch, CompatBatches, makeBatch, ShuffledBatches } from "./batches.ts";

const Fixture = z.object({
  data: z.string(),
  model: z.string(),
  seed: z.int(),
  batch_size: z.int(),
  max_seq_length: z.int(),
  mask_prompt: z.boolean(),
  batches: z.array(
    z.object({ tokens: z.array(z.array(z.int())), offsets: z.array(z.int()), lengths: z.array(z.int()) }),
  ),
});

/** A sample of tokens first, first + 1, …, whose targets begin at `promptLength`. */
function sample(first: number, length: number, promptLength = 0): Sample {
  const start = Math.max(1, promptLength);
  return {
    ids: Array.from({ length }, (_, i) => first + i),
    promptLength,
    targets: start < length ? [[start, length]] : [],
    row: { form: "text", text: "", file: "x.jsonl", line: first },
  };
}

/** [position in the flattened inputs, target] */
const learnt = ({ positions, targets }: Batch) => positions.map((position, i) => [position, targets[i]]);

test.each(index.batches)("compat batches of %s are mlx-lm's", async (name) => {
  const fixture = read(join("batches", name.endsWith(".json") ? name : `${name}.json`), Fixture);
  const { batch_size: batchSize, max_seq_length: maxSeqLength, seed } = fixture;
  const tokenizer = await Tokenizer.load(join(parity, fixture.model));
  const rows = await loadDataset(join(parity, fixture.data), { mask_prompt: fixture.mask_prompt });
  const options = { maskPrompt: fixture.mask_prompt, compat: true, maxSeqLength };
  const { samples } = await tokenizeRows(rows.train, tokenizer, options);
  const source = new CompatBatches(samples, { batchSize, maxSeqLength, seed }).training();
  for (const [i, expected] of fixture.batches.entries()) {
    const batch = source.next().value;
    const width = (expected.tokens[0]?.length ?? 0) - 1;
    expect([batch?.rows, batch?.width], `batch ${i}`).toEqual([expected.tokens.length, width]);
    expect(batch?.inputs).toEqual(expected.tokens.flatMap((row) => row.slice(0, -1)));
    // mlx-lm's mask: the target at place s counts for offset <= s <= length.
    const places = expected.tokens.flatMap((row, r) =>
      row.flatMap((token, s) => {
        const counts = s >= 1 && s >= (expected.offsets[r] ?? 0) && s <= (expected.lengths[r] ?? 0);
        return counts ? [[r * width + s - 1, token]] : [];
      }),
    );
    expect(batch && learnt(batch)).toEqual(places);
  }
});

describe("makeBatch", () => {
  test("pads to a multiple of 8, plus one, and learns each token after the first", () => {
    const batch = makeBatch([sample(10, 3), sample(20, 5)], 100, false);
    expect([batch.rows, batch.width]).toEqual([2, 8]);
    expect(batch.inputs.slice(0, 8)).toEqual([10, 11, 12, 0, 0, 0, 0, 0]);
    expect(batch.inputs.slice(8)).toEqual([20, 21, 22, 23, 24, 0, 0, 0]);
    expect(learnt(batch)).toEqual([
      [0, 11],
      [1, 12],
      [8, 21],
      [9, 22],
      [10, 23],
      [11, 24],
    ]);
    const widths = [2, 9, 10, 17].map((length) => makeBatch([sample(10, length)], 100, false).width);
    expect(widths).toEqual([8, 8, 16, 16]);
    expect([31, 32, 33].map((length) => makeBatch([sample(10, length)], 100, true).width)).toEqual([32, 32, 64]);
  });

  test("learns the targets only, and in compat mode one padding token after them", () => {
    const masked = sample(10, 6, 4);
    expect(learnt(makeBatch([masked], 100, false))).toEqual([
      [3, 14],
      [4, 15],
    ]);
    expect(learnt(makeBatch([masked], 100, true))).toEqual([
      [3, 14],
      [4, 15],
      [5, 0],
    ]);
  });

  test("several spans of one row are all learnt", () => {
    const spans: Sample = {
      ...sample(10, 9),
      targets: [
        [2, 4],
        [7, 9],
      ],
    };
    expect(makeBatch([spans], 100, false).targets).toEqual([12, 13, 17, 18]);
  });

  test("a row longer than max_seq_length loses its end", () => {
    const batch = makeBatch([sample(10, 50)], 8, false);
    expect([batch.width, batch.inputs]).toEqual([7, [10, 11, 12, 13, 14, 15, 16]]);
    expect(batch.targets).toEqual([11, 12, 13, 14, 15, 16, 17]);
    expect(makeBatch([sample(10, 50)], 8, true).targets).toEqual(batch.targets);
  });
});

describe("ShuffledBatches", () => {
  const samples = Array.from({ length: 103 }, (_, i) => sample(1000 * (i + 1), 2 + ((i * 37) % 90)));
  const options = { batchSize: 4, maxSeqLength: 64, seed: 5 };
  const take = (seed: number, count: number): Batch[] => {
    const source = new ShuffledBatches(samples, { ...options, seed }).training();
    return Array.from({ length: count }, () => source.next().value).filter((batch) => batch !== undefined);
  };
  const firsts = (batches: Batch[]) =>
    batches.flatMap(({ inputs, rows, width }) => Array.from({ length: rows }, (_, r) => inputs[r * width] ?? 0));
  const all = samples.map(({ ids }) => ids[0] ?? 0);
  const ascending = (numbers: number[]) => [...numbers].sort((a, b) => a - b);

  test("every row comes exactly once in each pass, those of the incomplete batch too", () => {
    const batches = take(5, 26 * 3);
    for (const pass of [0, 1, 2]) {
      const these = batches.slice(26 * pass, 26 * (pass + 1));
      expect(ascending(firsts(these))).toEqual(all);
      expect(these.filter(({ rows }) => rows < 4).map(({ rows }) => rows)).toEqual([3]);
    }
    expect(firsts(batches.slice(0, 26))).not.toEqual(firsts(batches.slice(26, 52)));
  });

  test("the order depends on the seed and nothing else", () => {
    expect(take(5, 60)).toEqual(take(5, 60));
    expect(firsts(take(6, 26))).not.toEqual(firsts(take(5, 26)));
  });

  test("rows of like length are put together", () => {
    const padding = (batches: Batch[]) => batches.reduce((sum, { rows, width }) => sum + rows * width, 0);
    const inFileOrder = samples.flatMap((_, i) =>
      i % 4 === 0 ? [makeBatch(samples.slice(i, i + 4), options.maxSeqLength, false)] : [],
    );
    expect(padding(take(5, 26))).toBeLessThan(0.75 * padding(inFileOrder));
  });

  test("measuring takes the same rows every time, the first of the file, at most so many batches", () => {
    const source = new ShuffledBatches([], options);
    expect(ascending(firsts([...source.measuring(samples, -1)]))).toEqual(all);
    expect(ascending(firsts([...source.measuring(samples, 2)]))).toEqual(all.slice(0, 8));
    expect([...source.measuring(samples, 2)]).toEqual([...source.measuring(samples, 2)]);
    expect([...source.measuring(samples, 0)]).toEqual([]);
    expect([...source.measuring([], -1)]).toEqual([]);
  });
});

describe("CompatBatches", () => {
  test("rows after the last whole batch are never used, and measuring draws from the same generator", () => {
    const samples = Array.from({ length: 7 }, (_, i) => sample(100 * (i + 1), 3));
    const make = () => new CompatBatches(samples, { batchSize: 2, maxSeqLength: 64, seed: 1 });
    const [plain, measured] = [make().training(), make()];
    const training = measured.training();
    const firstOf = (batch: Batch | undefined) => batch?.inputs[0];
    const first = Array.from({ length: 3 }, () => firstOf(plain.next().value));
    expect([...first].sort()).toEqual([100, 300, 500]);
    expect(Array.from({ length: 3 }, () => firstOf(training.next().value))).toEqual(first);
    expect([...measured.measuring(samples, -1)].length).toBe(3);
    expect([...measured.measuring(samples, 0)]).toEqual([]);
  });
});
