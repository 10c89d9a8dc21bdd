import { z } from "zod";
import { say } from "../protocol/language.ts";

// The groups of keys that only a config file can give.

/** Replaced as a whole by the file, as in mlx-lm: a file that has the group gives rank, scale and dropout. */
export const LoRAParameters = z.strictObject({
  rank: z.int().min(1),
  /** Multiplies the update directly; what others call alpha is scale · rank. */
  scale: z.number(),
  dropout: z.number().min(0).lt(1),
  keys: z.array(z.string()).min(1).optional(),
});

const betas = z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]);
const Adam = z.strictObject({
  betas: betas.optional(),
  eps: z.number().optional(),
  bias_correction: z.boolean().optional(),
});

/** Arguments of each optimizer, under its name; those of optimizers that are not chosen have no effect. */
export const OptimizerConfig = z.strictObject({
  adam: Adam.optional(),
  adamw: Adam.extend({ weight_decay: z.number().optional() }).optional(),
  sgd: z
    .strictObject({
      momentum: z.number().optional(),
      weight_decay: z.number().optional(),
      dampening: z.number().optional(),
      nesterov: z.boolean().optional(),
    })
    .optional(),
  muon: z
    .strictObject({
      momentum: z.number().optional(),
      weight_decay: z.number().optional(),
      nesterov: z.boolean().optional(),
      ns_steps: z.int().min(1).optional(),
    })
    .optional(),
  adafactor: z
    .strictObject({
      eps: z.tuple([z.number(), z.number()]).optional(),
      clip_threshold: z.number().optional(),
      decay_rate: z.number().optional(),
      beta_1: z.number().optional(),
      weight_decay: z.number().optional(),
      scale_parameter: z.boolean().optional(),
      relative_step: z.boolean().optional(),
      warmup_init: z.boolean().optional(),
    })
    .optional(),
});

/** What each schedule's `arguments` are, in order; those in brackets may be left out. */
const scheduleArguments = {
  exponential_decay: ["init", "decay_rate"],
  step_decay: ["init", "decay_rate", "step_size"],
  cosine_decay: ["init", "decay_steps", "[end]"],
  linear_schedule: ["init", "end", "steps"],
} as const;

export const LearningRateSchedule = z
  .strictObject({
    name: z.enum(["exponential_decay", "step_decay", "cosine_decay", "linear_schedule"]),
    arguments: z.array(z.number()),
    /** Updates of a linear rise from warmup_init to the first argument. */
    warmup: z.int().min(0).optional(),
    warmup_init: z.number().optional(),
  })
  .superRefine((schedule, context) => {
    const names = scheduleArguments[schedule.name];
    const needed = names.filter((name) => !name.startsWith("[")).length;
    const found = schedule.arguments.length;
    if (found >= needed && found <= names.length) return;
    const message = say("config/schedule-arguments", { name: schedule.name, arguments: names });
    context.addIssue({ code: "custom", path: ["arguments"], message });
  });
