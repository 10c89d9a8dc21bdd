import type { TrainerEvent } from "../protocol/events.ts";

/** Something that a training run tells its events to, one after the other. */
export interface Consumer {
  handle(event: TrainerEvent): void;
  /** Called once, also when the run failed. */
  close(): void;
}

/** A consumer that writes a run for a tracker, and the command that uploads it. */
export interface Tracker extends Consumer {
  readonly folder: string;
  readonly uploadCommand: string;
}

/** What mlx-lm logs of an event to trackers: the fields of training and validation reports, by their names. */
export function metricsOf(event: TrainerEvent): { step: number; values: Record<string, number> } | undefined {
  if (event.type !== "train" && event.type !== "validation") return undefined;
  const { type: _, ...values } = event;
  return { step: event.iteration, values };
}
