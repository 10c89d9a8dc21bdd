import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TrainerEvent } from "../protocol/events.ts";
import { resolveTrainConfig } from "../tuner/resolve-config.ts";
import { RunConsumers } from "./consumers.ts";
import { double, integer, message, text, timestamp } from "./protobuf.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-track-"));
const events: TrainerEvent[] = [
  {
    type: "start",
    time: "2026-01-01T00:00:00Z",
    model: "m",
    adapter_path: "a",
    fine_tune_type: "lora",
    iters: 10,
    resumed_from: 0,
    trainable_parameters: 1,
    total_parameters: 100,
    train_rows: 8,
    valid_rows: 2,
  },
  {
    type: "train",
    iteration: 10,
    train_loss: 1.5,
    learning_rate: 1e-4,
    iterations_per_second: 2,
    tokens_per_second: 100,
    trained_tokens: 2048,
    peak_memory: 1.25,
  },
  { type: "validation", iteration: 10, val_loss: 1.25, val_time: 0.5 },
  { type: "done", time: "2026-01-01T00:00:00Z", iteration: 10, seconds: 5 },
];

function track(name: string, settings: Record<string, unknown>): { run: string; said: string } {
  const run = join(folder, name);
  let said = "";
  const write = (part: string) => {
    said += part;
  };
  const consumers = new RunConsumers(resolveTrainConfig({ adapter_path: run, ...settings }), {
    write,
    interactive: false,
  });
  for (const event of events) consumers.handle(event);
  consumers.close();
  return { run, said };
}

test("events.jsonl holds every event on a line of its own, and a later run is appended", () => {
  const { run } = track("log", {});
  track("log", {});
  const lines = readFileSync(join(run, "events.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => TrainerEvent.parse(JSON.parse(line)))).toEqual([...events, ...events]);
});

test("report_to writes offline runs with mlx-lm's metrics and says how to upload them", () => {
  const { run, said } = track("tracked", { report_to: "swanlab,wandb", project_name: "demo" });
  const swanlab = readdirSync(join(run, "swanlog")).find((name) => name.startsWith("run-")) ?? "";
  const wandb = readdirSync(join(run, "wandb"))[0] ?? "";
  expect(swanlab).toMatch(/^run-\d{8}_\d{6}-[a-z0-9]{8}$/);
  expect(wandb).toMatch(/^offline-run-\d{8}_\d{6}-[a-z0-9]{8}$/);
  expect(said).toContain(`swanlab sync ${join(run, "swanlog", swanlab)}`);
  expect(said).toContain(`wandb sync ${join(run, "wandb", wandb)}`);
  const files = [
    join(run, "swanlog", swanlab, `run-${swanlab.slice(-8)}.swanlab`),
    join(run, "wandb", wandb, `run-${wandb.slice(-8)}.wandb`),
  ].map((path) => readFileSync(path, "latin1"));
  for (const key of ["demo", "tracked", "train_loss", "peak_memory", "val_loss", "trained_tokens"]) {
    for (const file of files) expect(file).toContain(key);
  }
  expect(readFileSync(join(run, "swanlog", swanlab, "files/config.yaml"), "utf8")).toContain("project_name:");
});

test("protobuf fields are encoded as the specification's examples", () => {
  expect(integer(1, 150).toString("hex")).toBe("089601");
  expect(integer(1, -2).toString("hex")).toBe("08feffffffffffffffff01");
  expect(text(2, "testing").toString("hex")).toBe("120774657374696e67");
  expect(message(3, integer(1, 150)).toString("hex")).toBe("1a03089601");
  expect(double(1, 1).toString("hex")).toBe("09000000000000f03f");
  expect(timestamp(2, 1500).toString("hex")).toBe("1208080110" + "80cab5ee01");
});

test("a run that ends before its first event leaves no file", () => {
  const run = join(folder, "refused");
  const config = resolveTrainConfig({ adapter_path: run, report_to: "swanlab" });
  new RunConsumers(config, { write: () => {}, interactive: false }).close();
  expect(existsSync(run)).toBe(false);
});
