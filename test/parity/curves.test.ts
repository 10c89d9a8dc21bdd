import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import type { TrainerEvent } from "../../src/protocol/events.ts";
import { TrainConfig } from "../../src/tuner/config.ts";
import { runTraining } from "../../src/tuner/run.ts";
import { index, parity, read, relativeDifference } from "./fixtures.ts";

const Curve = z.object({
  train: z.array(
    z.object({ iteration: z.int(), train_loss: z.number(), learning_rate: z.number(), trained_tokens: z.int() }),
  ),
  validation: z.array(z.object({ iteration: z.int(), val_loss: z.number() })),
  test_loss: z.number().optional(),
});

/** bfloat16 keeps 8 bits, and 50 steps amplify what the order of a sum rounds away. */
const tolerance = (name: string): number => (name.includes("bfloat16") ? 2e-2 : 1e-4);

test.each(index.curves)("compat mode follows mlx-lm's loss curve: %s", async (name) => {
  const yaml = z
    .record(z.string(), z.unknown())
    .parse(parse(readFileSync(join(parity, "curves", name, "config.yaml"), "utf8")));
  const config = TrainConfig.parse({
    ...yaml,
    model: join(parity, String(yaml.model)),
    data: join(parity, String(yaml.data)),
    adapter_path: mkdtempSync(join(tmpdir(), "cygnet-curve-")),
    compat: "mlx-lm",
  });
  const events: TrainerEvent[] = [];
  for await (const event of runTraining(config)) events.push(event);

  const expected = read(join("curves", name, "curve.json"), Curve);
  const train = events.filter((event) => event.type === "train");
  const validation = events.filter((event) => event.type === "validation");
  expect(train.map((event) => event.iteration)).toEqual(expected.train.map((point) => point.iteration));
  expect(train.map((event) => event.trained_tokens)).toEqual(expected.train.map((point) => point.trained_tokens));
  expect(validation.map((event) => event.iteration)).toEqual(expected.validation.map((point) => point.iteration));
  const close = (found: number[], wanted: number[]) =>
    found.forEach((value, i) => {
      expect(relativeDifference([value], [wanted[i] ?? Number.NaN]), `step ${i + 1}`).toBeLessThan(tolerance(name));
    });
  close(
    train.map((event) => event.train_loss),
    expected.train.map((point) => point.train_loss),
  );
  close(
    train.map((event) => event.learning_rate),
    expected.train.map((point) => point.learning_rate),
  );
  close(
    validation.map((event) => event.val_loss),
    expected.validation.map((point) => point.val_loss),
  );
  const test = events.find((event) => event.type === "test");
  if (expected.test_loss !== undefined) close([test?.test_loss ?? Number.NaN], [expected.test_loss]);
});
