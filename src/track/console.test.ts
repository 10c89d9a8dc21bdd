import { afterEach, expect, test } from "vitest";
import type { TrainerEvent } from "../protocol/events.ts";
import { setLanguage } from "../protocol/language.ts";
import { ConsoleTracker } from "./console.ts";
import { lossPlot } from "./loss-plot.ts";

const start: TrainerEvent = {
  type: "start",
  time: "2026-01-01T00:00:00Z",
  model: "m",
  adapter_path: "adapters",
  fine_tune_type: "lora",
  iters: 20,
  resumed_from: 0,
  trainable_parameters: 27_263_000,
  total_parameters: 7_241_748_000,
  train_rows: 8,
  valid_rows: 2,
};
const trained = (iteration: number, train_loss: number): TrainerEvent => ({
  type: "train",
  iteration,
  train_loss,
  learning_rate: 1e-5,
  iterations_per_second: 2,
  tokens_per_second: 123.456,
  trained_tokens: 4096,
  peak_memory: 1.5,
});
const done: TrainerEvent = { type: "done", time: "2026-01-01T00:01:00Z", iteration: 20, seconds: 61 };

function shown(events: TrainerEvent[], interactive = false, compat = false): string {
  let text = "";
  const tracker = new ConsoleTracker({
    interactive,
    compat,
    write: (part) => {
      text += part;
    },
  });
  for (const event of events) tracker.handle(event);
  tracker.close();
  return text;
}

afterEach(() => setLanguage("en"));

test("the lines are those that mlx-lm printed", () => {
  const lines = shown([
    start,
    { type: "validation", iteration: 0, val_loss: 2.3812, val_time: 16.942 },
    trained(10, 1.234),
    { type: "checkpoint", iteration: 10, files: ["a/adapters.safetensors", "a/0000010_adapters.safetensors"] },
    { type: "validation", iteration: 20, val_loss: 1, val_time: 2 },
    { type: "test", test_loss: 0.5, test_ppl: 1.6487 },
  ]).split("\n");
  expect(lines).toEqual([
    "Trainable parameters: 0.376% (27.263M/7241.748M)",
    "Starting training..., iters: 20",
    "Iter 1: Val loss 2.381, Val took 16.942s",
    "Iter 10: Train loss 1.234, Learning Rate 1.000e-05, It/sec 2.000, Tokens/sec 123.456, Trained Tokens 4096, Peak mem 1.500 GB",
    "Iter 10: Saved adapter weights to a/adapters.safetensors and a/0000010_adapters.safetensors.",
    "Iter 20: Val loss 1.000, Val took 2.000s",
    "Test loss 0.500, Test ppl 1.649.",
    "",
  ]);
});

test("in compat mode a validation is named after the step that it stands before", () => {
  const text = shown([{ type: "validation", iteration: 19, val_loss: 1, val_time: 2 }], false, true);
  expect(text).toBe("Iter 20: Val loss 1.000, Val took 2.000s\n");
});

test("a terminal gets a progress bar with the time left, drawn again under each line", () => {
  const text = shown([start, trained(10, 2), trained(20, 1)], true);
  expect(text).toContain("████████████░░░░░░░░░░░░ 10/20 50% 0:05 left");
  expect(text).toContain("\r\x1b[2KIter 20:");
  expect(shown([start, trained(10, 2)])).not.toContain("\x1b");
});

test("the end shows a plot and says where the adapters are, in the user's language", () => {
  setLanguage("zh");
  const validation: TrainerEvent = { type: "validation", iteration: 0, val_loss: 3, val_time: 1 };
  const text = shown([start, validation, trained(10, 2), trained(20, 1), done]);
  expect(text).toContain("█ 训练损失 2.000 → 1.000   ● 验证损失 3.000");
  expect(text).toContain("完成：共 20 步，用时 1:01。适配器保存在 adapters");
});

test("a stopped run says how to go on", () => {
  expect(shown([start, { ...done, type: "interrupted" }])).toContain(
    "Go on with: cygnet train --config adapters/config.yaml --resume",
  );
});

test("a plot falls from the left to the right when the loss does, and marks its limits", () => {
  const losses = [4, 3, 2, 1].map((loss, i) => ({ iteration: (i + 1) * 10, loss }));
  const lines = lossPlot(losses, [{ iteration: 0, loss: 5 }], 20, 4).split("\n");
  expect(lines[0]).toMatch(/^5\.000 ┤●/);
  expect(lines[3]).toMatch(/^1\.000 ┤█+▄$/);
  expect(lines[4]?.trim()).toMatch(/^0 +40$/);
});

test("there is no plot of one point, and NaN is left out of one", () => {
  expect(lossPlot([{ iteration: 1, loss: 2 }], [])).toBe("");
  const points = [3, Number.NaN, 1].map((loss, i) => ({ iteration: i, loss }));
  expect(lossPlot(points, [])).not.toContain("NaN");
});
