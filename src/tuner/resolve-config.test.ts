import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { setLanguage } from "../protocol/language.ts";
import { UserError } from "../protocol/user-error.ts";
import { trackersOf } from "./config.ts";
import { resolveTrainConfig } from "./resolve-config.ts";
import { adapterConfigText, configYamlText } from "./run-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-config-"));
let count = 0;
function yaml(text: string): string {
  const path = join(folder, `config-${count++}.yaml`);
  writeFileSync(path, text);
  return path;
}
function problemsOf(text: string, flags: Record<string, unknown> = {}): string {
  const config = yaml(text);
  try {
    resolveTrainConfig({ config, ...flags });
  } catch (error) {
    if (error instanceof UserError) return error.message.replaceAll(config, "c.yaml");
    throw error;
  }
  return "";
}

afterEach(() => setLanguage("en"));

describe("values", () => {
  test("without anything given they are mlx-lm's defaults", () => {
    expect(resolveTrainConfig({})).toMatchObject({
      model: "Qwen/Qwen3-0.6b",
      num_layers: 16,
      batch_size: 4,
      iters: 1000,
      learning_rate: 1e-5,
      steps_per_report: 10,
      steps_per_eval: 200,
      save_every: 100,
      test_batches: 500,
      max_seq_length: 2048,
      lora_parameters: { rank: 8, dropout: 0, scale: 20 },
    });
  });

  test("a flag comes before the file, the file before the default, and null in the file is unset", () => {
    const config = yaml("iters: 500\nbatch_size: 2\nsave_every: null\nresume_adapter_file: null\n");
    const resolved = resolveTrainConfig({ config, iters: 7 });
    expect(resolved).toMatchObject({ iters: 7, batch_size: 2, save_every: 100 });
    expect(resolved.resume_adapter_file).toBeUndefined();
  });

  test("numbers and switches are read as Python reads them", () => {
    const config = yaml("learning_rate: 1e-4\ngrad_checkpoint: yes\nclear_cache_threshold: 2GB\n");
    const expected = { learning_rate: 1e-4, grad_checkpoint: true, clear_cache_threshold: 2e9 };
    expect(resolveTrainConfig({ config })).toMatchObject(expected);
    expect(resolveTrainConfig({ clear_cache_threshold: "1.5M" }).clear_cache_threshold).toBe(1_500_000);
  });

  test("only asking for a test turns training off", () => {
    expect(resolveTrainConfig({ test: true })).toMatchObject({ train: false, test: true });
    expect(resolveTrainConfig({ test: true, train: true })).toMatchObject({ train: true, test: true });
  });

  test("trackers may be several, in any case", () => {
    expect(trackersOf(resolveTrainConfig({ report_to: "SwanLab, wandb" }))).toEqual(["swanlab", "wandb"]);
    expect(trackersOf(resolveTrainConfig({}))).toEqual([]);
  });

  test("the config of a guide is taken as it is", () => {
    const guide = `model: "Qwen3-0.6B" # comment\ntrain: true\nfine_tune_type: lora\noptimizer: adamw\ndata: "mlx_data"
seed: 0\nnum_layers: 28\nbatch_size: 1\niters: 500\nval_batches: 25\nlearning_rate: 1e-4\nreport_to: swanlab
project_name: MLX-FT-Qwen3\nsteps_per_report: 10\nsteps_per_eval: 200\nresume_adapter_file: null
adapter_path: "cog_adapters"\nsave_every: 100\ntest: false\ntest_batches: 100\nmax_seq_length: 512
grad_checkpoint: false\nlora_parameters:\n  keys: ["self_attn.q_proj", "self_attn.v_proj"]\n  rank: 8\n  scale: 20.0
  dropout: 0.0\n`;
    expect(resolveTrainConfig({ config: yaml(guide) })).toMatchObject({
      optimizer: "adamw",
      learning_rate: 1e-4,
      lora_parameters: { keys: ["self_attn.q_proj", "self_attn.v_proj"], rank: 8, scale: 20, dropout: 0 },
    });
  });
});

describe("problems", () => {
  test("all are told at once, each with its line and what is possible", () => {
    const text = `model: m
iter: 5
batch_size: many
lora_parameters:
  rank: 8
  scale: 20
  dropout: 0
  key: [a]
optimizer_config:
  adamw:
    weight_decays: 0.1
    betas: [0.9]
lr_schedule:
  name: cosine_decay
  arguments: [1]
`;
    expect(problemsOf(text).split("\n").sort()).toEqual([
      'c.yaml:11: unknown key "optimizer_config.adamw.weight_decays". Did you mean "weight_decay"?',
      "c.yaml:12: optimizer_config.adamw.betas is [0.9]: expected a list of 2 numbers",
      "c.yaml:15: lr_schedule.arguments is [1]: expected [init, decay_steps, [end]], as cosine_decay takes",
      'c.yaml:2: unknown key "iter". Did you mean "iters"?',
      'c.yaml:3: batch_size is "many": expected a whole number, at least 1',
      'c.yaml:8: unknown key "lora_parameters.key". Did you mean "keys"?',
    ]);
  });

  test("alpha is answered with the scale that it stands for", () => {
    const problems = problemsOf("lora_parameters:\n  rank: 8\n  alpha: 16\n  dropout: 0\n");
    expect(problems).toBe(
      'c.yaml:3: "alpha" is not a key here: give "scale" instead, which multiplies the update directly. scale = alpha / rank = 16 / 8 = 2',
    );
  });

  test("lora_parameters from a file replace the defaults as a whole, so a missing one is an error", () => {
    expect(problemsOf("lora_parameters:\n  rank: 8\n").split("\n")).toEqual([
      'c.yaml:1: "lora_parameters.scale" is missing: a number',
      'c.yaml:1: "lora_parameters.dropout" is missing: a number, at least 0, below 1',
    ]);
  });

  test("a wrong flag is named as a flag, in the user's language", () => {
    setLanguage("zh");
    expect(problemsOf("iters: 5\n", { batch_size: 0 })).toBe("--batch-size 的值为 0：需要整数，不小于 1");
  });

  test("what this version lacks is said, with what to do instead", () => {
    expect(problemsOf("optimizer: muon\n")).toContain("c.yaml:1: the optimizer muon comes in a later version");
    expect(problemsOf("iters: 5\nhf_dataset:\n  path: a/b\n")).toContain("c.yaml:2: hf_dataset is not available");
    expect(problemsOf("train: false\n")).toContain("train and test are both off");
  });

  test("a file that is not YAML, not a mapping or not there is an error", () => {
    expect(problemsOf("iters: 5\n  batch_size: [\n")).toMatch(/^c\.yaml:\d: this is not valid YAML/);
    expect(problemsOf("- a\n")).toContain('must hold "key: value" lines');
    expect(() => resolveTrainConfig({ config: join(folder, "absent.yaml") })).toThrow("absent.yaml");
  });
});

describe("files of the run", () => {
  const config = resolveTrainConfig({ model: "m", lora_parameters: { rank: 4, scale: 2, dropout: 0.1, keys: ["a"] } });

  test("adapter_config.json has mlx-lm's keys, sorted, and none of ours", () => {
    const text = adapterConfigText({ ...config, compat: "mlx-lm" });
    const keys = [...text.matchAll(/^ {4}"(\w+)"/gm)].map((match) => match[1]);
    expect(keys).toEqual([...keys].sort());
    expect(keys).toEqual(expect.arrayContaining(["fine_tune_type", "lora_parameters", "num_layers", "lr_schedule"]));
    expect(text).not.toContain("compat");
    expect(JSON.parse(text)).toMatchObject({ lora_parameters: { dropout: 0.1, keys: ["a"], rank: 4, scale: 2 } });
  });

  test("config.yaml gives the same run again", () => {
    const again = resolveTrainConfig({ config: yaml(configYamlText(config)) });
    expect({ ...again, config: undefined }).toEqual({ ...config, config: undefined });
  });

  const adapter = resolve(import.meta.dirname, "../../../shared/data/stories260K-wikisql-lora/adapter_config.json");
  const present = (() => {
    try {
      return readFileSync(adapter, "utf8");
    } catch {
      return undefined;
    }
  })();
  test.skipIf(present === undefined)("an adapter_config.json that mlx-lm wrote is a config file too", () => {
    expect(resolveTrainConfig({ config: adapter })).toMatchObject({ fine_tune_type: "lora" });
  });
});
