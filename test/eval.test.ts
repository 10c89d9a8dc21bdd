import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { cygnet, folderWith } from "./command-line.ts";

const tiny = join(import.meta.dirname, "../assets/cygnet-tiny");
const Result = z.looseObject({ data: z.string(), perplexity: z.number() });

test("eval perplexity takes a file, or of a data folder the rows that were held back", () => {
  const row = '{"text": "Hello! How can I help you?"}\n';
  const folder = folderWith({ "rows/train.jsonl": row, "rows/valid.jsonl": row.repeat(2), "text.txt": "你好，世界。" });
  const run = (data: string) =>
    cygnet(["eval", "perplexity", "--model", tiny, "--data", data, "--json"], { cwd: folder });
  for (const [data, file] of [
    ["rows", "rows/valid.jsonl"],
    ["rows/train.jsonl", "rows/train.jsonl"],
    ["text.txt", "text.txt"],
  ] as const) {
    const { status, stdout, stderr } = run(data);
    expect(status, stderr).toBe(0);
    expect(Result.parse(JSON.parse(stdout)).data).toBe(file);
  }
  expect(run("absent.txt")).toMatchObject({ status: 2, stderr: expect.stringContaining("No data file absent.txt") });
});
