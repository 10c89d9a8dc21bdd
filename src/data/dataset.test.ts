import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { setLanguage } from "../protocol/language.ts";
import { UserError } from "../protocol/user-error.ts";
import { loadDataset, readRows } from "./dataset.ts";

async function folder(files: Record<string, string | Buffer>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "dataset-"));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

const answer = (text: string) => `{"prompt": "q", "completion": "${text}"}`;

describe("loading a data folder", () => {
  test("gives rows with their file and line; absent files are empty", async () => {
    const path = await folder({ "train.jsonl": `${answer("a")}\n\n${answer("b")}\n\n` });
    const { train, valid, test: testRows } = await loadDataset(path, { train: true });
    expect([valid, testRows]).toEqual([[], []]);
    expect(train.map(({ file, line, form }) => [file, line, form])).toEqual([
      [join(path, "train.jsonl"), 1, "completions"],
      [join(path, "train.jsonl"), 3, "completions"],
    ]);
  });

  test("reads each form, asked in mlx-lm's order, under the configured column names", async () => {
    const path = await folder({
      "train.jsonl": '{"messages": [{"role": "user", "content": "q"}], "text": "t", "tools": [{}]}',
      "valid.jsonl": '{"text": "t"}',
      "other.jsonl": '{"eng": "q", "completion": "a", "messages": [], "text": "t"}',
    });
    const { train, valid } = await loadDataset(path);
    expect(train[0]).toMatchObject({ form: "chat", messages: [{ role: "user", content: "q" }], tools: [{}] });
    expect(valid[0]).toMatchObject({ form: "text", text: "t" });
    const rows = await readRows(join(path, "other.jsonl"), { prompt_feature: "eng" });
    expect(rows[0]).toMatchObject({ form: "completions", messages: [{ content: "q" }, { content: "a" }] });
  });

  test("tolerates a byte-order mark and Windows line ends", async () => {
    const path = await folder({ "train.jsonl": `\ufeff${answer("a")}\r\n${answer("b")}\r\n` });
    expect((await loadDataset(path)).train).toHaveLength(2);
  });

  test("without training rows is an error when there is to be training", async () => {
    await expect(loadDataset(await folder({}), { train: true })).rejects.toThrow(
      /train.jsonl is missing or has no rows/,
    );
    await expect(loadDataset(await folder({ "train.jsonl": "\n" }), { train: true })).rejects.toThrow(/no rows/);
    await expect(loadDataset("/no/such/folder")).rejects.toThrow(/No data folder/);
    await expect(loadDataset(await folder({}), { test: true })).rejects.toThrow(/test.jsonl/);
  });
});

describe("bad rows are told with file and line", () => {
  afterEach(() => setLanguage("en"));
  const message = async (...lines: string[]) => {
    const error = await loadDataset(await folder({ "train.jsonl": lines.join("\n") })).catch((error: unknown) => error);
    if (!(error instanceof UserError)) throw error;
    return error.message;
  };

  test.each([
    ["not JSON", "{", /line 2: not JSON/],
    ["not an object", "[1]", /line 2: not a JSON object/],
    ["another form", '{"text": "t"}', /line 2: .* have prompt\/completion, this one has text/],
    ["no known column", '{"x": 1}', /line 2: .* none of the known columns/],
    ["a wrong type", '{"prompt": "q", "completion": 5}', /line 2: "completion" must be string/],
  ])("%s", async (_, line, expected) => {
    expect(await message(answer("a"), line)).toMatch(expected);
  });

  test.each([
    ["empty messages", "[]", /line 1: "messages" is empty/],
    ["messages that are none", '"x"', /line 1: "messages" must be array/],
    ["a message without a role", '[{"content": "x"}]', /"messages\[0\].role" must be string/],
    ["a message without content", '[{"role": "user"}]', /"messages\[0\].content" must be string/],
    ["content of a wrong type", '[{"role": "user", "content": 3}]', /"messages\[0\].content" must be string/],
  ])("%s", async (_, messages, expected) => {
    expect(await message(`{"messages": ${messages}}`)).toMatch(expected);
  });

  test("several at once, the first five by name", async () => {
    const text = await message(answer("a"), ..."{".repeat(7));
    expect(text).toMatch(/line 2:.*line 6:.*and 2 more/s);
    expect(text).not.toContain("line 7");
  });

  test("a file without any known columns names what it has and what is possible", async () => {
    expect(await message('{"instruction": "q", "output": "a"}')).toMatch(
      /instruction, output; a row must have "messages"/,
    );
  });

  test("in Chinese as well", async () => {
    setLanguage("zh");
    expect(await message(answer("a"), "{")).toMatch(/第 2 行：不是合法的 JSON/);
  });

  test("text that is not UTF-8", async () => {
    const gbk = Buffer.concat([Buffer.from(`${answer("a")}\n{"text": "`), Buffer.from([0xc4, 0xe3, 0xba, 0xc3])]);
    await expect(loadDataset(await folder({ "train.jsonl": gbk }))).rejects.toThrow(/line 2: this is not UTF-8/);
  });

  test("mask_prompt with plain text", async () => {
    const path = await folder({ "train.jsonl": '{"text": "t"}' });
    await expect(loadDataset(path, { mask_prompt: true })).rejects.toThrow(/mask_prompt cannot be used/);
  });
});

test.skipIf(!hasSharedData)("real data folders load", async () => {
  expect((await loadDataset(join(sharedData, "wikisql"), { train: true })).train).toHaveLength(1000);
  const { train, valid } = await loadDataset(join(sharedData, "self-cognition/mlx_data"));
  expect([train.length, valid.length]).toEqual([87, 21]);
});
