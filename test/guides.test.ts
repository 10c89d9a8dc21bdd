import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { saveModel } from "../src/convert/save-model.ts";
import { buildModel, readModelConfig } from "../src/models/load.ts";
import { cygnet, folderWith, hasShared, shared, toys } from "./command-line.ts";

// The guides that people follow today: their files and commands, as printed, with a toy in place of the download.

const seed = (start: string): string => {
  const name = readdirSync(join(shared, "seeds")).find((file) => file.startsWith(start));
  return readFileSync(join(shared, "seeds", name ?? start), "utf8");
};

/** A Qwen3 as deep as the 0.6B model, and very thin. */
async function writeToy(folder: string): Promise<void> {
  const source = join(toys, "qwen3");
  const config = { ...readModelConfig(source), num_hidden_layers: 28, hidden_size: 32, intermediate_size: 48 };
  await saveModel({ model: buildModel(config, source), config, source, target: folder, force: false });
}

describe.skipIf(!hasShared)("the guides' own inputs", () => {
  let work = "";
  beforeAll(async () => {
    work = folderWith({});
    await writeToy(join(work, "Qwen3-0.6B"));
  });

  test("guide five: self-cognition rows, then its YAML with every line as it is", () => {
    mkdirSync(join(work, "self-cognition"));
    cpSync(join(shared, "data/self-cognition/self_cognition.jsonl"), join(work, "self-cognition/self_cognition.jsonl"));
    const names = [
      "--name",
      "小鹅",
      "--author",
      "SwanLab团队",
      "--en-name",
      "little-swan",
      "--en-author",
      "SwanLab-Team",
    ];
    const convert = cygnet(
      ["data", "convert", "self-cognition/self_cognition.jsonl", "--output", "mlx_data", ...names],
      {
        cwd: work,
      },
    );
    expect(convert.status, convert.stderr).toBe(0);
    const rows = readFileSync(join(work, "mlx_data/train.jsonl"), "utf8");
    expect(rows).toMatch(/小鹅/);
    expect(rows).toMatch(/little-swan/);
    expect(rows).not.toMatch(/\{\{/);

    const [, yaml] = /```yaml\n(.*?)```/s.exec(seed("004")) ?? [];
    writeFileSync(join(work, "ft_qwen3_lora.yaml"), yaml ?? "");
    const train = cygnet(["train", "--config", "ft_qwen3_lora.yaml"], { cwd: work });
    expect(train.status, train.stderr).toBe(0);
    expect(train.stderr).toMatch(/Iter 500: Train loss/);
    for (const file of [
      "adapters.safetensors",
      "adapter_config.json",
      "events.jsonl",
      "0000400_adapters.safetensors",
    ]) {
      expect(existsSync(join(work, "cog_adapters", file)), file).toBe(true);
    }
    expect(existsSync(join(work, "cog_adapters/swanlog"))).toBe(true);

    const ask = cygnet(
      [
        "generate",
        "--model",
        "Qwen3-0.6B",
        "--adapter-path",
        "cog_adapters",
        "--prompt",
        "你是谁？",
        "--json",
        "-m",
        "8",
      ],
      { cwd: work },
    );
    expect(ask.status, ask.stderr).toBe(0);
    expect(JSON.parse(ask.stdout)).toMatchObject({
      generation_tokens: expect.any(Number),
      finish_reason: expect.any(String),
    });
  }, 300_000);

  test("guide two: completion rows; train, fuse, generate with its flags", () => {
    const rows = seed("001").match(/\{"prompt".*\}/g) ?? [];
    expect(rows.length).toBe(5);
    mkdirSync(join(work, "lora-data"));
    writeFileSync(join(work, "lora-data/train.jsonl"), `${rows.join("\n")}\n`);
    const model = ["--model", "Qwen3-0.6B"];
    const train = cygnet(["lora", ...model, "--train", "--data", "lora-data", "--iters", "4"], { cwd: work });
    expect(train.status, train.stderr).toBe(0);
    const fuse = cygnet(["fuse", ...model, "--adapter-path", "adapters", "--save-path", "Qwen3-0.6B-garden"], {
      cwd: work,
    });
    expect(fuse.status, fuse.stderr).toBe(0);
    const ask = cygnet(
      ["generate", "--model", "Qwen3-0.6B-garden", "--prompt", "蓝牙耳机坏了应该看什么科", "-m", "4"],
      { cwd: work },
    );
    expect(ask.status, ask.stderr).toBe(0);
  });

  test.each([
    ["guide one: a messages row", "000", /\{"messages".*?\}\]\}/],
    ["guide three: a Mistral text row", "002", /\{"text".*?\}/],
  ])("%s", (_, start, pattern) => {
    const [row = ""] = pattern.exec(seed(start)) ?? [];
    expect(row).not.toBe("");
    const folder = `data-${start}`;
    mkdirSync(join(work, folder));
    writeFileSync(join(work, folder, "train.jsonl"), `${row}\n`);
    const flags = ["--data", folder, "--adapter-path", `adapters-${start}`, "--iters", "2", "--batch-size", "1"];
    const train = cygnet(["train", "--model", "Qwen3-0.6B", ...flags], { cwd: work });
    expect(train.status, train.stderr).toBe(0);
  });
});
