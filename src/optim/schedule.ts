// Learning rates as functions of the updates done so far (0 for the first update), with MLX's names and formulas.

export type Schedule = (step: number) => number;

export const schedules = {
  /** init · rateˢ */
  exponential_decay:
    (init: number, rate: number): Schedule =>
    (step) =>
      init * rate ** step,

  /** init · rate^⌊s / size⌋ */
  step_decay:
    (init: number, rate: number, size: number): Schedule =>
    (step) =>
      init * rate ** Math.floor(step / size),

  /** From init to end along half a cosine, then end. Loshchilov & Hutter 2016, arXiv:1608.03983. */
  cosine_decay:
    (init: number, steps: number, end = 0): Schedule =>
    (step) => {
      const decay = 0.5 * (1 + Math.cos((Math.PI / steps) * Math.min(step, steps)));
      return end + decay * (init - end);
    },

  /** From init to end in equal steps, then end. */
  linear_schedule:
    (init: number, end: number, steps: number): Schedule =>
    (step) =>
      Math.min(step, steps) * ((end - init) / steps) + init,
};

export type ScheduleName = keyof typeof schedules;

/** `first` for steps up to `boundary`, exclusive, then `second` from its own step 0. */
export function joinSchedules(first: Schedule, second: Schedule, boundary: number): Schedule {
  return (step) => (step < boundary ? first(step) : second(step - boundary));
}

export interface ScheduleConfig {
  name: ScheduleName;
  arguments: readonly number[];
  /** Steps of a linear rise from warmup_init to the schedule's first value. */
  warmup?: number;
  warmup_init?: number;
}

/**
 * The schedule of an mlx-lm `lr_schedule`. As there, the rise lasts `warmup` steps and the main schedule begins one step
 * later, so the peak is used twice.
 */
export function buildSchedule({ name, arguments: values, warmup = 0, warmup_init = 0 }: ScheduleConfig): Schedule {
  const [first = 0, second = 0, third] = values;
  const main: Record<ScheduleName, () => Schedule> = {
    exponential_decay: () => schedules.exponential_decay(first, second),
    step_decay: () => schedules.step_decay(first, second, third ?? 1),
    cosine_decay: () => schedules.cosine_decay(first, second, third),
    linear_schedule: () => schedules.linear_schedule(first, second, third ?? 1),
  };
  const schedule = main[name]();
  if (warmup === 0) return schedule;
  return joinSchedules(schedules.linear_schedule(warmup_init, first, warmup), schedule, warmup + 1);
}
