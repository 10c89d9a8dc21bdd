import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readGguf } from "../src/convert/gguf/reader.ts";
import { cygnet, hasShared, shared } from "./command-line.ts";
import { onSmallDisk } from "./small-disk.ts";

const tiny = resolve(import.meta.dirname, "../assets/cygnet-tiny");
const folder = () => mkdtempSync(join(tmpdir(), "cygnet-gguf-"));
const env = { XDG_CACHE_HOME: folder() };

describe("cygnet export gguf", () => {
  const output = join(folder(), "tiny.gguf");

  test("writes a file that says where it comes from, and does not replace it unasked", () => {
    const args = ["export", "gguf", "--model", tiny, "--output", output, "--type", "q8_0"];
    const { status, stdout, stderr } = cygnet([...args, "--json"]);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ files: [output], type: "q8_0" });
    const { metadata } = readGguf(output);
    expect(metadata.get("cygnet.base_model.sha256")?.value).toMatch(/^[0-9a-f]{64}$/);
    expect(metadata.get("general.architecture")?.value).toBe("qwen3");
    expect(metadata.get("tokenizer.chat_template")?.value).toContain("im_start");
    expect(cygnet(args)).toMatchObject({ status: 2, stderr: expect.stringMatching(/exists.*--force/) });
    expect(cygnet([...args, "--force"]).status).toBe(0);
  });

  test("the file is a model for every command, and answers as its source does", () => {
    const ask = (model: string) => {
      const flags = ["--prompt", "Who are you?", "--max-tokens", "12", "--temp", "0"];
      return cygnet(["generate", "--model", model, ...flags], { env });
    };
    const [file, source] = [ask(output), ask(tiny)];
    expect(file.status, file.stderr).toBe(0);
    expect(file.stderr).toMatch(/Unpacking .*tiny\.gguf/);
    expect(file.stdout.split("\n")[1]).toBe(source.stdout.split("\n")[1]);
    const target = join(folder(), "copy");
    const converted = cygnet(["convert", "--model", output, "--mlx-path", target, "--no-quality"], { env });
    expect(converted.status, converted.stderr).toBe(0);
    expect(converted.stderr).not.toMatch(/Unpacking/);
    expect(existsSync(join(target, "tokenizer.json"))).toBe(true);
  });

  test("measures what to heed on a text, splits, and tells what flags do not go together", () => {
    const text = resolve(tiny, "../quality/text.txt");
    const split = join(folder(), "split.gguf");
    const args = ["export", "gguf", "--model", tiny, "--output", split];
    const { status, stderr } = cygnet([...args, "--type", "q4_k_m", "--imatrix", text, "--split-max-size", "1M"]);
    expect(status, stderr).toBe(0);
    expect(readdirSync(join(split, "..")).every((name) => /^split-0000\d-of-0000\d\.gguf$/.test(name))).toBe(true);
    for (const [flags, message] of [
      [["--type", "q8_0", "--imatrix", text], /--imatrix changes nothing/],
      [["--adapter-only"], /--adapter-path/],
      [["--split-max-size", "big"], /--split-max-size big/],
      [["--type", "q9"], /q4_k_m/],
      [["--output", "model.bin"], /ends in \.gguf/],
      [["--model", join(tiny, "absent.gguf")], /no file/],
    ] as const) {
      expect(cygnet([...args, ...flags])).toMatchObject({ status: 2, stderr: expect.stringMatching(message) });
    }
  });

  onSmallDisk("asks for room first", (disk) => {
    const result = cygnet(["export", "gguf", "--model", tiny, "--output", join(disk, "a.gguf")]);
    expect(result).toMatchObject({ status: 2, stderr: expect.stringMatching(/Make room/) });
    expect(readdirSync(disk)).toEqual([]);
  });
});

test.skipIf(!hasShared)("cygnet fuse --export-gguf writes the file beside the merged model", () => {
  const [model, adapter] = ["stories260K", "stories260K-wikisql-lora"].map((name) => join(shared, "data", name));
  const target = join(folder(), "fused");
  const flags = ["--model", model ?? "", "--adapter-path", adapter ?? "", "--save-path", target];
  const { status, stderr } = cygnet(["fuse", ...flags, "--export-gguf"]);
  expect(status, stderr).toBe(0);
  expect(readGguf(join(target, "ggml-model-f16.gguf")).tensors.get("token_embd.weight")?.type).toBe("f16");
  expect(readFileSync(join(target, "config.json"), "utf8")).toContain("llama");
  rmSync(target, { recursive: true });
});
