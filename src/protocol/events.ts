import { z } from "zod";

// What a training run tells, one object a line in `events.jsonl`. Training and validation events carry mlx-lm's field
// names and units, so that what reads mlx-lm's callbacks reads these too.

/** Sent once, before the first step. */
export const StartEvent = z.object({
  type: z.literal("start"),
  time: z.iso.datetime(),
  model: z.string(),
  adapter_path: z.string(),
  fine_tune_type: z.enum(["lora", "dora", "full"]),
  iters: z.int(),
  /** The iteration that a resumed run continues after; 0 for a new one. */
  resumed_from: z.int(),
  trainable_parameters: z.int(),
  /** Quantized weights count unpacked. */
  total_parameters: z.int(),
  train_rows: z.int(),
  valid_rows: z.int(),
});

export const TrainEvent = z.object({
  type: z.literal("train"),
  iteration: z.int(),
  train_loss: z.number(),
  learning_rate: z.number(),
  iterations_per_second: z.number(),
  tokens_per_second: z.number(),
  trained_tokens: z.int(),
  /** 10^9 bytes. */
  peak_memory: z.number(),
});

export const ValidationEvent = z.object({
  type: z.literal("validation"),
  /** Steps done when the loss was measured. */
  iteration: z.int(),
  val_loss: z.number(),
  /** Seconds. */
  val_time: z.number(),
});

export const CheckpointEvent = z.object({
  type: z.literal("checkpoint"),
  iteration: z.int(),
  /** The adapter files written, newest state first. */
  files: z.array(z.string()),
});

export const TestEvent = z.object({ type: z.literal("test"), test_loss: z.number(), test_ppl: z.number() });

export const WarningEvent = z.object({ type: z.literal("warning"), code: z.string(), message: z.string() });

/** The last event of a run that reached its end (`done`) or was stopped by the user (`interrupted`, after saving). */
export const EndEvent = z.object({
  type: z.enum(["done", "interrupted"]),
  time: z.iso.datetime(),
  iteration: z.int(),
  /** Seconds since the first step. */
  seconds: z.number(),
});

export const TrainerEvent = z.discriminatedUnion("type", [
  StartEvent,
  TrainEvent,
  ValidationEvent,
  CheckpointEvent,
  TestEvent,
  WarningEvent,
  EndEvent,
]);
export type TrainerEvent = z.infer<typeof TrainerEvent>;
