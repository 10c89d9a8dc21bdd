import { describe, expect, test } from "vitest";
import { relativeDifference } from "../../test/parity/fixtures.ts";
import { toyModel } from "../../test/toys.ts";
import { activeMemory, liveTensors } from "../core/memory.ts";
import * as random from "../core/random.ts";
import type { Sample } from "../data/sample.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { Adam } from "../optim/adam.ts";
import { SGD } from "../optim/sgd.ts";
import type { TrainerEvent } from "../protocol/events.ts";
import { UserError } from "../protocol/user-error.ts";
import { makeTrainable } from "./adapters.ts";
import { type SaveState, type TrainerOptions, type TrainerSettings, train } from "./trainer.ts";

const settings: TrainerSettings = {
  iters: 6,
  batch_size: 2,
  max_seq_length: 32,
  val_batches: -1,
  steps_per_report: 1,
  steps_per_eval: 100,
  save_every: 100,
  grad_accumulation_steps: 1,
  grad_checkpoint: false,
  seed: 0,
};

const samples: Sample[] = Array.from({ length: 12 }, (_, row) => {
  const ids = Array.from({ length: 3 + ((row * 5) % 9) }, (_, i) => (row * 7 + i * 3) % 24);
  return {
    ids,
    promptLength: 0,
    targets: [[1, ids.length]],
    row: { form: "text", text: "", file: "x", line: row + 1 },
  };
});

function tunable(dropout = 0): LanguageModel {
  const model = toyModel("qwen3", { num_hidden_layers: 2 });
  makeTrainable(model, { fine_tune_type: "lora", num_layers: -1, lora_parameters: { rank: 2, scale: 4, dropout } });
  return model;
}

function options(changes: Partial<TrainerSettings>, others: Partial<TrainerOptions> = {}): TrainerOptions {
  return {
    model: others.model ?? tunable(),
    optimizer: new Adam(),
    schedule: () => 1e-2,
    train: samples,
    valid: [],
    settings: { ...settings, ...changes },
    save: () => [],
    ...others,
  };
}

async function eventsOf(run: TrainerOptions): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = [];
  for await (const event of train(run)) events.push(event);
  return events;
}

const losses = (events: TrainerEvent[]) =>
  events.flatMap((event) => (event.type === "train" ? [event.train_loss] : []));
const weights = (model: LanguageModel) => Object.values(model.trainableParameters()).flatMap((x) => x.toArray());

test("the loss falls, and the events come in order with what was trained", async () => {
  const valid = samples.slice(0, 4);
  const events = await eventsOf(
    // A rate at which rounding does not change the curve.
    options({ iters: 40, steps_per_report: 10, steps_per_eval: 20, save_every: 15 }, { valid, schedule: () => 2e-3 }),
  );
  expect(events.map((event) => [event.type, "iteration" in event ? event.iteration : undefined])).toEqual([
    ["validation", 0],
    ["train", 10],
    ["checkpoint", 15],
    ["train", 20],
    ["validation", 20],
    ["train", 30],
    ["checkpoint", 30],
    ["train", 40],
    ["validation", 40],
    ["checkpoint", 40],
  ]);
  const found = losses(events);
  expect(found.at(-1)).toBeLessThan(0.95 * (found[0] ?? 0));
  const last = events.findLast((event) => event.type === "train");
  const perPass = samples.reduce((sum, { ids }) => sum + ids.length - 1, 0);
  // 40 batches of 2 are six passes of 12 rows and 4 batches more.
  expect(last?.trained_tokens).toBeGreaterThanOrEqual(6 * perPass);
  expect(last?.trained_tokens).toBeLessThan(7 * perPass);
});

test("micro-batches that make one update equal one large batch", async () => {
  const rows = samples.slice(0, 6);
  const sgd = () => ({ optimizer: new SGD(), train: rows });
  const small = options({ batch_size: 2, iters: 3, grad_accumulation_steps: 3 }, sgd());
  const large = options({ batch_size: 6, iters: 1 }, sgd());
  const [smallEvents, largeEvents] = [await eventsOf(small), await eventsOf(large)];
  expect(relativeDifference(weights(small.model), weights(large.model))).toBeLessThan(1e-6);
  const tokens = (events: TrainerEvent[]) => events.findLast((event) => event.type === "train")?.trained_tokens;
  expect(tokens(smallEvents)).toBe(tokens(largeEvents));
});

test("the last micro-batches make an update even when they are fewer", async () => {
  const run = options({ iters: 4, grad_accumulation_steps: 3 });
  await eventsOf(run);
  expect(run.optimizer.step).toBe(2);
  const compat = options({ iters: 4, grad_accumulation_steps: 3, compat: "mlx-lm" });
  await eventsOf(compat);
  expect(compat.optimizer.step).toBe(1);
});

test("gradient checkpointing gives the same losses", async () => {
  const plain = losses(await eventsOf(options({ iters: 10 })));
  const checkpointed = losses(await eventsOf(options({ iters: 10, grad_checkpoint: true })));
  expect(relativeDifference(checkpointed, plain)).toBeLessThan(1e-5);
});

describe("a run that is resumed", () => {
  const cases: [name: string, changes: Partial<TrainerSettings>][] = [
    ["by default", {}],
    ["in compat mode", { compat: "mlx-lm", steps_per_eval: 4 }],
    ["amid an update of several batches", { grad_accumulation_steps: 4 }],
    ["amid an update in compat mode", { grad_accumulation_steps: 4, compat: "mlx-lm" }],
    ["with gradient checkpointing", { grad_checkpoint: true }],
  ];
  test.each(cases)("goes on as if it had not stopped, %s", async (_, changes) => {
    const valid = samples.slice(0, 5);
    random.seed(3);
    const whole = options({ ...changes, iters: 12 }, { model: tunable(0.2), valid });
    const wholeLosses = losses(await eventsOf(whole));

    random.seed(3);
    const [model, optimizer] = [tunable(0.2), new Adam()];
    const stop = new AbortController();
    const saved: SaveState[] = [];
    const keepState = (state: SaveState) => {
      const copies = Object.entries(state.accumulated).map(([path, x]) => [path, x.add(0)] as const);
      saved.push({ ...state, accumulated: Object.fromEntries(copies) });
      return [];
    };
    const first = options({ ...changes, iters: 12 }, { model, optimizer, valid, save: keepState, signal: stop.signal });
    const firstLosses: number[] = [];
    for await (const event of train(first)) {
      if (event.type === "train") firstLosses.push(event.train_loss);
      if (event.type === "train" && event.iteration === 6) stop.abort();
    }
    expect(saved.map(({ iteration, isLast }) => [iteration, isLast])).toEqual([[6, true]]);
    const second = options({ ...changes, iters: 12 }, { model, optimizer, valid, resumed: saved[0] });
    expect([...firstLosses, ...losses(await eventsOf(second))]).toEqual(wholeLosses);
    expect(weights(model)).toEqual(weights(whole.model));
  });
});

describe("an end before the end", () => {
  test("an aborted run saves and says that it was interrupted", async () => {
    const stop = new AbortController();
    const saved: number[] = [];
    const save = ({ iteration }: SaveState) => [String(saved.push(iteration))];
    const run = train(options({ iters: 50 }, { signal: stop.signal, save }));
    let step = await run.next();
    while (!step.done) {
      if (step.value.type === "train" && step.value.iteration === 3) stop.abort();
      step = await run.next();
    }
    expect(step.value).toEqual({ iteration: 3, interrupted: true });
    expect(saved).toEqual([3]);
  });

  test("a loss that is not finite ends it with a UserError, and in compat mode does not", async () => {
    const schedule = () => 1e30;
    await expect(eventsOf(options({ iters: 20 }, { schedule }))).rejects.toMatchObject({
      name: "UserError",
      code: "trainer/not-finite",
    });
    expect(losses(await eventsOf(options({ iters: 5, compat: "mlx-lm" }, { schedule }))).at(-1)).toBeNaN();
  });

  test("a consumer that leaves, or an error, frees the sums of an incomplete update", async () => {
    const run = options({ iters: 50, grad_accumulation_steps: 20 });
    const parameters = Object.keys(run.model.trainableParameters()).length;
    const before = liveTensors();
    for await (const event of train(run)) if (event.type === "train" && event.iteration === 3) break;
    expect(run.model.training).toBe(false);
    // The optimizer has made no moments yet; a random state may have been made.
    expect(liveTensors() - before).toBeLessThan(parameters);
  });

  test("compat mode needs rows for a batch", async () => {
    const few = options({ compat: "mlx-lm", batch_size: 20 });
    await expect(eventsOf(few)).rejects.toThrow(UserError);
  });
});

test("2,000 steps leave tensors and memory flat", async () => {
  const model = toyModel("llama", { hidden_size: 4, num_attention_heads: 1, num_key_value_heads: 1, vocab_size: 24 });
  makeTrainable(model, {
    fine_tune_type: "lora",
    num_layers: 1,
    lora_parameters: { rank: 1, scale: 1, dropout: 0.1, keys: ["self_attn.q_proj", "mlp.down_proj"] },
  });
  const readings: [tensors: number, bytes: number][] = [];
  const run = options({ iters: 2000, batch_size: 1, steps_per_report: 100, grad_accumulation_steps: 2 }, { model });
  for await (const event of train(run)) if (event.type === "train") readings.push([liveTensors(), activeMemory()]);
  expect(readings.length).toBe(20);
  for (const reading of readings.slice(1)) expect(reading).toEqual(readings[0]);
});
