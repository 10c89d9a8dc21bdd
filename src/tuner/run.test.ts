import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parity } from "../../test/parity/fixtures.ts";
import { onSmallDisk } from "../../test/small-disk.ts";
import { loadSafetensors, saveSafetensors } from "../core/safetensors.ts";
import { loadModel } from "../models/load.ts";
import type { TrainerEvent } from "../protocol/events.ts";
import { UserError } from "../protocol/user-error.ts";
import { TrainConfig } from "./config.ts";
import { loadAdapter } from "./load-adapter.ts";
import { runTraining } from "./run.ts";

const root = mkdtempSync(join(tmpdir(), "cygnet-run-"));
afterAll(() => rmSync(root, { recursive: true }));

function configOf(changes: Record<string, unknown>): TrainConfig {
  return TrainConfig.parse({
    model: join(parity, "models", "qwen3"),
    data: join(parity, "data", "chat"),
    adapter_path: mkdtempSync(join(root, "run-")),
    num_layers: 1,
    batch_size: 2,
    iters: 20,
    val_batches: 1,
    learning_rate: 1e-3,
    steps_per_report: 5,
    max_seq_length: 64,
    lora_parameters: { rank: 2, scale: 4, dropout: 0.1, keys: ["self_attn.q_proj", "mlp.down_proj"] },
    ...changes,
  });
}

async function run(config: TrainConfig, signal?: AbortSignal): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = [];
  for await (const event of runTraining(config, { signal })) events.push(event);
  return events;
}

async function rejection(config: TrainConfig): Promise<UserError> {
  try {
    await run(config);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("nothing was rejected");
}

/** The tensors of a file by name, as bytes. */
function contents(path: string): Record<string, string> {
  const { tensors } = loadSafetensors(path);
  return Object.fromEntries(
    Object.entries(tensors).map(([name, x]) => [name, Buffer.from(x.toBytes()).toString("base64")]),
  );
}
const adapters = ({ adapter_path }: TrainConfig) => contents(join(adapter_path, "adapters.safetensors"));
const trainLosses = (events: TrainerEvent[]) =>
  events.flatMap((event) =>
    event.type === "train" ? [[event.iteration, event.train_loss, event.trained_tokens]] : [],
  );

describe("the run folder", () => {
  test("has the adapter, numbered copies, configs and one checkpoint; the adapter loads again", async () => {
    const config = configOf({ iters: 6, save_every: 2, test: true, test_batches: 1 });
    const events = await run(config);
    expect(readdirSync(config.adapter_path).sort()).toEqual([
      "0000002_adapters.safetensors",
      "0000004_adapters.safetensors",
      "adapter_config.json",
      "adapters.safetensors",
      "checkpoints",
      "config.yaml",
    ]);
    expect(readdirSync(join(config.adapter_path, "checkpoints"))).toEqual(["0000006"]);
    expect(events.filter(({ type }) => type !== "warning").map(({ type }) => type)).toEqual([
      "start",
      "validation",
      "checkpoint",
      "checkpoint",
      "train",
      "train",
      "validation",
      "checkpoint",
      "done",
      "test",
    ]);
    loadAdapter(loadModel(config.model), config.adapter_path);
    const [before] = events.filter((event) => event.type === "test");
    const [again] = await run({ ...config, train: false });
    expect(again?.type).toBe("test");
    expect(again?.type === "test" && again.test_loss).toBeCloseTo(before?.type === "test" ? before.test_loss : 0, 5);
  });
});

describe("resume", () => {
  const cases: [name: string, changes: Record<string, unknown>][] = [
    ["by default", {}],
    ["in compat mode", { compat: "mlx-lm" }],
    [
      "with AdamW, accumulation and gradient checkpointing",
      { optimizer: "adamw", grad_accumulation_steps: 4, grad_checkpoint: true },
    ],
    ["with SGD and a schedule", { optimizer: "sgd", lr_schedule: { name: "cosine_decay", arguments: [1e-2, 20] } }],
  ];
  test.each(cases)("10 steps and 10 more give the bits of 20 in one go, %s", async (_, changes) => {
    const whole = configOf(changes);
    const wholeEvents = await run(whole);
    const parts = configOf(changes);
    const stop = new AbortController();
    const first: TrainerEvent[] = [];
    for await (const event of runTraining(parts, { signal: stop.signal })) {
      first.push(event);
      if (event.type === "train" && event.iteration === 10) stop.abort();
    }
    expect(first.at(-1)).toMatchObject({ type: "interrupted", iteration: 10 });
    const second = await run({ ...parts, resume: true });
    expect(second[0]).toMatchObject({ type: "start", resumed_from: 10 });
    expect(second.at(-1)).toMatchObject({ type: "done", iteration: 20 });
    expect([...trainLosses(first), ...trainLosses(second)]).toEqual(trainLosses(wholeEvents));
    expect(adapters(parts)).toEqual(adapters(whole));
  });

  test("without a checkpoint is told", async () => {
    const config = configOf({ resume: true });
    expect((await rejection(config)).code).toBe("trainer/no-checkpoint");
  });

  test("resume_adapter_file takes weights only", async () => {
    const first = configOf({ iters: 4 });
    await run(first);
    const file = join(first.adapter_path, "adapters.safetensors");
    const second = configOf({ iters: 1, learning_rate: 0, resume_adapter_file: file });
    const events = await run(second);
    expect(events[0]).toMatchObject({ type: "start", resumed_from: 0 });
    expect(adapters(second)).toEqual(adapters(first));
    expect((await rejection(configOf({ resume_adapter_file: file, fine_tune_type: "full" }))).code).toBe(
      "adapter/mismatch",
    );
    const absent = join(root, "absent.safetensors");
    expect((await rejection(configOf({ resume_adapter_file: absent }))).message).toContain(absent);
  });
});

describe("what stops a run before it writes", () => {
  const nothingWritten = ({ adapter_path }: TrainConfig) => expect(readdirSync(adapter_path)).toEqual([]);

  test("too many layers and unknown keys", async () => {
    const layers = configOf({ num_layers: 3 });
    expect((await rejection(layers)).code).toBe("adapter/too-many-layers");
    nothingWritten(layers);
    const keys = configOf({ lora_parameters: { rank: 1, scale: 1, dropout: 0, keys: ["attn.q"] } });
    expect((await rejection(keys)).code).toBe("adapter/unknown-keys");
    nothingWritten(keys);
  });

  test("a tokenizer of another model", async () => {
    const folder = mkdtempSync(join(root, "model-"));
    const from = (name: string) => readFileSync(join(parity, "models", "qwen3", name));
    for (const name of readdirSync(join(parity, "models", "qwen3"))) writeFileSync(join(folder, name), from(name));
    const config = JSON.parse(from("config.json").toString());
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, vocab_size: 40 }));
    const { tensors } = loadSafetensors(join(folder, "model.safetensors"));
    const table = tensors["model.embed_tokens.weight"]?.slice(0, 0, 40);
    if (table) saveSafetensors(join(folder, "model.safetensors"), { ...tensors, "model.embed_tokens.weight": table });
    const run = configOf({ model: folder });
    const error = await rejection(run);
    expect(error.code).toBe("trainer/token-outside-vocabulary");
    expect(error.message).toContain("train.jsonl:1");
    nothingWritten(run);
  });
});

test("a loss that is not finite stops the run with advice and keeps the last checkpoint", async () => {
  const config = configOf({ learning_rate: 2e38, save_every: 1 });
  const error = await rejection(config);
  expect(error.code).toBe("trainer/not-finite");
  expect(error.message).toContain("learning_rate");
  expect(readdirSync(join(config.adapter_path, "checkpoints"))).toHaveLength(1);
});

describe("a full disk", () => {
  onSmallDisk("the adapter and the checkpoint of before survive", async (disk) => {
    const config = configOf({ iters: 2, adapter_path: join(disk, "run") });
    await run(config);
    const before = adapters(config);
    const [checkpoint = ""] = readdirSync(join(config.adapter_path, "checkpoints"));
    writeFileSync(join(disk, "ballast"), Buffer.alloc(freeBytes(disk) - 8192));
    const again = { ...config, iters: 4, resume: true };
    expect((await rejection(again)).code).toBe("file/write-failed");
    expect(adapters(config)).toEqual(before);
    expect(existsSync(join(config.adapter_path, "checkpoints", checkpoint, "state.json"))).toBe(true);
    rmSync(join(disk, "ballast"));
    expect((await run(again)).at(-1)).toMatchObject({ type: "done", iteration: 4 });
  });

  test("a folder that cannot be made is a UserError", async () => {
    const blocked = join(root, "a-file");
    writeFileSync(blocked, "");
    expect((await rejection(configOf({ iters: 1, adapter_path: join(blocked, "run") }))).code).toBe(
      "file/write-failed",
    );
    mkdirSync(join(root, "half"));
    writeFileSync(join(root, "half", "checkpoints"), "");
    expect((await rejection(configOf({ iters: 1, adapter_path: join(root, "half") }))).code).toBe("file/write-failed");
  });
});

function freeBytes(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}
