import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cygnet, folderWith, toys } from "./command-line.ts";

// Every mistake: a message that says what, where and what to do, status 2, and nothing written.

const row = '{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"}]}\n';
const model = join(toys, "qwen3");
const shortRun = "iters: 2\nnum_layers: 2\nbatch_size: 1\n";

interface Mistake {
  name: string;
  files: Record<string, string>;
  args?: string[];
  says: RegExp[];
}

const mistakes: Mistake[] = [
  {
    name: "an unknown YAML key",
    files: { "c.yaml": `${shortRun}learning_rat: 1e-4\n`, "data/train.jsonl": row },
    says: [/c\.yaml:4/, /learning_rat\b/, /learning_rate/],
  },
  {
    name: "a value of the wrong type",
    files: { "c.yaml": `${shortRun}seed: zero\n`, "data/train.jsonl": row },
    says: [/c\.yaml:4/, /seed/, /zero/, /whole number/],
  },
  {
    name: "a line that is not JSON",
    files: { "c.yaml": shortRun, "data/train.jsonl": `${row}{"messages": [\n${row}` },
    says: [/train\.jsonl/, /line 2/, /JSON/],
  },
  {
    name: "mixed forms",
    files: { "c.yaml": shortRun, "data/train.jsonl": `${row}{"text": "once"}\n` },
    says: [/train\.jsonl/, /line 2/, /text/],
  },
  {
    name: "an empty training set",
    files: { "c.yaml": shortRun, "data/train.jsonl": "" },
    says: [/train\.jsonl/],
  },
  {
    name: "a row without an answer under mask_prompt",
    files: {
      "c.yaml": `${shortRun}mask_prompt: true\n`,
      "data/train.jsonl": `${row}{"messages":[{"role":"user","content":"hello"}]}\n`,
    },
    says: [/train\.jsonl:2/],
  },
  {
    name: "more layers than the model has",
    files: { "c.yaml": shortRun, "data/train.jsonl": row },
    args: ["--num-layers", "28"],
    says: [/28/, /2 layers/],
  },
  {
    name: "keys that name no layer",
    files: {
      "c.yaml": `${shortRun}lora_parameters:\n  keys: [self_attn.query]\n  rank: 4\n  scale: 2.0\n  dropout: 0.0\n`,
      "data/train.jsonl": row,
    },
    says: [/self_attn\.query/, /self_attn\.q_proj/],
  },
  {
    name: "an unknown flag",
    files: { "c.yaml": shortRun, "data/train.jsonl": row },
    args: ["--batchsize", "2"],
    says: [/--batchsize/, /--batch-size/],
  },
];

test.each(mistakes)("train answers $name", ({ files, args = [], says }) => {
  const folder = folderWith(files);
  const before = readdirSync(folder, { recursive: true }).sort();
  const { status, stderr, stdout } = cygnet(["train", "-c", "c.yaml", "--model", model, "--data", "data", ...args], {
    cwd: folder,
  });
  expect(status, stderr).toBe(2);
  for (const pattern of says) expect(stderr).toMatch(pattern);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stdout).toBe("");
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before);
});

test("train answers missing weights, a missing shard and an unsupported model_type", () => {
  const folder = folderWith({ "data/train.jsonl": row });
  const broken = (change: (copy: string) => void, source = "qwen3") => {
    const copy = join(folder, "model");
    rmSync(copy, { recursive: true, force: true });
    cpSync(join(toys, source), copy, { recursive: true });
    change(copy);
    return cygnet(["train", "--model", copy, "--data", "data", "--iters", "1"], { cwd: folder });
  };
  const missing = broken((copy) => rmSync(join(copy, "model.safetensors")));
  expect(missing.status).toBe(2);
  expect(missing.stderr).toMatch(/model\.safetensors/);

  const shard = broken((copy) => rmSync(join(copy, "model-00002-of-00002.safetensors")), "qwen3-sharded");
  expect(shard.status).toBe(2);
  expect(shard.stderr).toMatch(/model-00002-of-00002\.safetensors/);

  const type = broken((copy) => {
    const path = join(copy, "config.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"qwen3"', '"qwen4"'));
  });
  expect(type.status).toBe(2);
  expect(type.stderr).toMatch(/qwen4.*qwen3/s);

  const cut = broken((copy) => {
    const path = join(copy, "model.safetensors");
    writeFileSync(path, readFileSync(path).subarray(0, 5000));
  });
  expect(cut.status).toBe(2);
  expect(cut.stderr).toMatch(/model\.safetensors/);
  expect(existsSync(join(folder, "adapters"))).toBe(false);
});

test("generate answers an adapter for another model", () => {
  const adapter = join(toys, "../curves/adam-mistral-completions/adapter");
  const { status, stderr } = cygnet(["generate", "--model", model, "--adapter-path", adapter, "--prompt", "hi"]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/another model/);
});

test("fuse does not write over a folder that is not empty", () => {
  const folder = folderWith({ "fused/mine.txt": "keep" });
  const adapter = join(toys, "../curves/adam-mistral-completions/adapter");
  const args = ["fuse", "--model", join(toys, "mistral"), "--adapter-path", adapter, "--save-path", "fused"];
  const { status, stderr } = cygnet(args, { cwd: folder });
  expect(status).toBe(2);
  expect(stderr).toMatch(/--force/);
  expect(readFileSync(join(folder, "fused/mine.txt"), "utf8")).toBe("keep");
});

test("messages come in Chinese on request", () => {
  const { status, stderr } = cygnet(["generate", "--model", "nowhere", "--lang", "zh"]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/[\u4e00-\u9fff]/);
});
