import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import { loadDataset } from "../dataset.ts";
import { ConvertConfig } from "./config.ts";
import { convertFiles } from "./convert-files.ts";

const folder = () => mkdtemp(join(tmpdir(), "convert-"));

async function inputFile(content: string, name = "in.json"): Promise<string> {
  const path = join(await folder(), name);
  await writeFile(path, content);
  return path;
}

type Options = Partial<Omit<ConvertConfig, "inputs">>;

/** Converts rows, in order, and gives what was written and the report. */
async function convert(rows: unknown[] | string, options: Options = {}) {
  const input = await inputFile(typeof rows === "string" ? rows : rows.map((row) => JSON.stringify(row)).join("\n"));
  return convertFile(input, { shuffle: false, valid_fraction: 0, ...options });
}

async function convertFile(input: string, options: Options = {}) {
  const output = options.output ?? (await folder());
  const report = await convertFiles(ConvertConfig.parse({ inputs: [input], ...options, output }));
  const written: unknown[] = (await readFile(join(output, "train.jsonl"), "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { report, written, output };
}

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

describe("each form becomes messages", () => {
  test.each([
    ["prompt-completion", { prompt: "q", completion: "a" }, [user("q"), assistant("a")]],
    ["prompt-completion", { question: "q", answer: "a" }, [user("q"), assistant("a")]],
    [
      "prompt-completion",
      { query: "q", response: "a", system: "s" },
      [{ role: "system", content: "s" }, user("q"), assistant("a")],
    ],
    ["prompt-completion", { eng: "q", completion: "a" }, [user("q"), assistant("a")]],
    ["prompt-completion", { input: "q", output: "a" }, [user("q"), assistant("a")]],
    ["messages", { messages: [user("q"), assistant("a")], id: 5 }, [user("q"), assistant("a")]],
    ["alpaca", { instruction: "i", input: "x", output: "a" }, [user("i\nx"), assistant("a")]],
    ["alpaca", { instruction: "i", output: "a", input: null }, [user("i"), assistant("a")]],
    [
      "alpaca",
      { instruction: "i", input: "", output: "a", system: "s", history: [["q", "b"]] },
      [{ role: "system", content: "s" }, user("q"), assistant("b"), user("i"), assistant("a")],
    ],
    [
      "sharegpt",
      {
        system: "s",
        conversations: [
          { from: "human", value: "q" },
          { from: "gpt", value: "a" },
        ],
      },
      [{ role: "system", content: "s" }, user("q"), assistant("a")],
    ],
    [
      "conversation",
      {
        conversation: [
          { human: "q", assistant: "a" },
          { human: "r", assistant: "b" },
        ],
      },
      [user("q"), assistant("a"), user("r"), assistant("b")],
    ],
  ])("%s %j", async (form, row, messages) => {
    const { report, written } = await convert([row]);
    expect(report.files[0]?.forms).toEqual([{ form, rows: 1 }]);
    expect(written).toEqual([{ messages }]);
  });

  test("ShareGPT calls and results become tool calls with ids, and tools function schemas", async () => {
    const row = {
      conversations: [
        { from: "human", value: "q" },
        { from: "function_call", value: '{"name": "f", "arguments": {"x": 1}}' },
        { from: "observation", value: "7" },
        { from: "gpt", value: "seven" },
      ],
      tools: '[{"name": "f", "parameters": {}}]',
    };
    const { written } = await convert([row]);
    const call = { id: "call00000", type: "function", function: { name: "f", arguments: { x: 1 } } };
    expect(written).toEqual([
      {
        messages: [
          user("q"),
          { ...assistant(""), tool_calls: [call] },
          { role: "tool", content: "7", name: "f", tool_call_id: "call00000" },
          assistant("seven"),
        ],
        tools: [{ type: "function", function: { name: "f", parameters: {} } }],
      },
    ]);
  });

  test("except plain text, which stays", async () => {
    expect((await convert([{ text: "t" }])).written).toEqual([{ text: "t" }]);
  });

  test("columns named by the user come before all others", async () => {
    const rows = [{ frage: "q", antwort: "a", text: "t" }];
    const { written } = await convert(rows, { prompt_column: "frage", completion_column: "antwort" });
    expect(written).toEqual([{ messages: [user("q"), assistant("a")] }]);
    await expect(convert(rows, { prompt_column: "frage" })).rejects.toThrow(/given together/);
  });
});

describe("placeholders", () => {
  const rows = [
    { query: "你是谁", response: "我是{{NAME}}，由{{AUTHOR}}训练", tag: "zh" },
    { query: "Who are you?", response: "I am {{NAME}} by {{ AUTHOR }}.", tag: "en" },
    { instruction: "hi", output: "I am {{name}}." },
    { instruction: "你好", output: "我是{{name}}，不是 {{x}}" },
  ];
  const answers = (written: unknown[]) => JSON.stringify(written);

  test("are filled by the language of the row", async () => {
    const names = { name: "小鹅", author: "甲", en_name: "little-swan", en_author: "A" };
    const { written } = await convert(rows, names);
    expect(written.map((row) => answers([row]))).toEqual([
      expect.stringContaining("我是小鹅，由甲训练"),
      expect.stringContaining("I am little-swan by A."),
      expect.stringContaining("I am little-swan."),
      expect.stringContaining("我是小鹅，不是 {{x}}"),
    ]);
  });

  test("take the one name where there is no English one", async () => {
    expect(answers((await convert(rows, { name: "小鹅", author: "甲" })).written)).toContain("I am 小鹅 by 甲.");
  });

  test("that nothing was given for leave the row out", async () => {
    const { report } = await convert(rows, { name: "小鹅" });
    expect(report.rowsMade).toBe(2);
    expect(report.leftOut.map(({ line }) => line)).toEqual([1, 2]);
    expect(report.leftOut[0]?.reason).toMatch(/\{\{AUTHOR\}\}.*--author/);
  });
});

describe("rows that cannot be used are left out with their line and the reason", () => {
  const good = { prompt: "q", completion: "a" };

  test("in JSON lines", async () => {
    const lines = [
      good,
      [1],
      { x: 1 },
      { prompt: "q", completion: " " },
      { prompt: 5, completion: "a" },
      { messages: [user("q")] },
    ];
    const { report } = await convert(
      `${lines.map((row) => JSON.stringify(row)).join("\n")}\n{\n\n${JSON.stringify(good)}`,
    );
    expect(report.rowsMade).toBe(2);
    expect(report.duplicates).toBe(1);
    expect(report.leftOut.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      "2: not a JSON object",
      expect.stringMatching(/^3: columns not recognised \(x\)/),
      "4: an answer is empty",
      '5: "prompt" must be string',
      "6: it has no answer",
      expect.stringMatching(/^7: not JSON/),
    ]);
  });

  test("in a JSON array, over the lines it spans", async () => {
    const text =
      '[\n  {"prompt": "q, [x] \\"", "completion": "a"},\n  {\n    "prompt": "q"\n  }, 7,\n\n  {"x": [1, 2]}\n]';
    const { report } = await convert(text);
    expect(report.leftOut.map(({ line }) => line)).toEqual([3, 5, 7]);
  });

  test.each([
    ["an unknown role", [{ from: "narrator", value: "x" }], /unknown role "narrator"/],
    ["a call that is not JSON", [{ from: "function_call", value: "f(x)" }], /function_call that is not JSON/],
    ["turns without text", [{ from: "human" }], /not a list of turns/],
  ])("%s", async (_, conversations, reason) => {
    const { report } = await convert([good, { conversations }]);
    expect(report.leftOut).toHaveLength(1);
    expect(report.leftOut[0]?.reason).toMatch(reason);
  });
});

describe("the split", () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ prompt: `q${i}`, completion: "a" }));
  const input = () => inputFile(JSON.stringify(rows));

  test("is the same for the same seed, another for another, and loses no row", async () => {
    const [a, b, c] = [
      await convertFile(await input()),
      await convertFile(await input()),
      await convertFile(await input(), { seed: 1 }),
    ];
    expect(a.written).toEqual(b.written);
    expect(a.written).not.toEqual(c.written);
    const { train, valid } = await loadDataset(a.output);
    expect([train.length, valid.length]).toEqual([27, 3]);
    expect(new Set([...train, ...valid].map((row) => JSON.stringify("messages" in row && row.messages))).size).toBe(30);
  });

  test("without shuffling keeps the order and takes the first rows for validation", async () => {
    const { output } = await convertFile(await input(), { shuffle: false, valid_fraction: 0.2 });
    const { train, valid } = await loadDataset(output);
    expect(valid).toHaveLength(6);
    expect(valid[0]).toMatchObject({ messages: [user("q0"), assistant("a")] });
    expect(train[0]).toMatchObject({ messages: [user("q6"), assistant("a")] });
  });

  test("gives two rows one for validation, and one row none", async () => {
    const two = await convert(rows.slice(0, 2), { valid_fraction: 0.1 });
    expect([two.report.train.rows, two.report.valid.rows]).toEqual([1, 1]);
    const one = await convert(rows.slice(0, 1), { valid_fraction: 0.1 });
    expect([one.report.train.rows, one.report.valid.rows]).toEqual([1, 0]);
    expect(await readdir(one.output)).toEqual(["train.jsonl"]);
  });
});

describe("nothing is written", () => {
  const refused = async (content: string, expected: RegExp) => {
    const output = await folder();
    await expect(convertFile(await inputFile(content), { output })).rejects.toThrow(expected);
    expect(await readdir(output)).toEqual([]);
  };

  test("when no row can be made", async () => {
    await refused('["a", "b"]', /No row can be made.*in.json:1: not a JSON object/s);
    await refused("", /they are empty/);
    await expect(convertFile(await folder())).rejects.toThrow(/is a folder/);
    await expect(convertFile("/no/such/file")).rejects.toThrow(/No data file/);
    await refused('[{"prompt": "q",]', /starts like a JSON array and is none/);
  });

  test("for preference data", async () => {
    await refused(
      '{"conversations": [], "chosen": {}, "rejected": {}}',
      /line 1: this is preference data \(chosen, rejected\)/,
    );
    await refused('{"messages": [], "label": true}', /preference data \(label\)/);
  });

  test("for text and conversations together", async () => {
    await refused('{"text": "t"}\n{"prompt": "q", "completion": "a"}', /1 rows of plain text and 1 conversations/);
  });

  test("over data that is there, unless forced; then no old validation rows stay", async () => {
    const output = await folder();
    await writeFile(join(output, "train.jsonl"), "old");
    await writeFile(join(output, "valid.jsonl"), "old");
    const rows = [{ prompt: "q", completion: "a" }];
    await expect(convert(rows, { output })).rejects.toThrow(/already.*--force/s);
    expect(await readFile(join(output, "train.jsonl"), "utf8")).toBe("old");
    await convert(rows, { output, force: true });
    expect(await readdir(output)).toEqual(["train.jsonl"]);
  });

  test("when the folder cannot be made", async () => {
    const file = await inputFile('{"prompt": "q", "completion": "a"}');
    await expect(convertFile(file, { output: join(file, "below-a-file") })).rejects.toThrow(/Could not write/);
  });
});

describe.skipIf(!hasSharedData)("real files", () => {
  const names = { name: "小鹅", author: "情感机器实验室", en_name: "little-swan", en_author: "Lab" };

  test.each([
    ["self-cognition/self_cognition.jsonl", "self-cognition", 134, 0],
    ["llama-factory-demo/identity.json", "alpaca", 91, 0],
    ["llama-factory-demo/alpaca_en_demo.json", "alpaca", 999, 0],
    ["llama-factory-demo/alpaca_zh_demo.json", "alpaca", 1000, 0],
    ["llama-factory-demo/glaive_toolcall_zh_demo.json", "sharegpt", 300, 0],
    ["format-samples/alpaca.jsonl", "alpaca", 3, 0],
    ["format-samples/chatml.jsonl", "messages", 3, 0],
    ["format-samples/conversations.jsonl", "sharegpt", 3, 0],
    ["format-samples/sharegpt.jsonl", "conversation", 3, 0],
    ["linux-commands/linux_commands.jsonl", "prompt-completion", 6000, 0],
    ["beginners-guide/train-example.jsonl", "text", 10, 0],
    ["self-cognition/mlx_data/train.jsonl", "messages", 87, 0],
  ])("%s: %s, %i rows", async (file, form, rows, leftOut) => {
    const { report, output } = await convertFile(join(sharedData, file), names);
    expect(report.leftOut.slice(0, 3)).toEqual([]);
    expect(report.files[0]?.forms).toEqual([{ form, rows: rows + leftOut }]);
    expect(report.rowsMade).toBe(rows);
    const { train, valid } = await loadDataset(output, { train: true });
    expect([train.length, valid.length]).toEqual([report.train.rows, report.valid.rows]);
    expect(await readFile(join(output, "train.jsonl"), "utf8")).not.toMatch(/\{\{\s*(name|author)\s*\}\}/i);
  });

  test.each(["dpo_en_demo.json", "kto_en_demo.json", "v1_dpo_demo.jsonl"])("%s is refused", async (file) => {
    await expect(convertFile(join(sharedData, "llama-factory-demo", file))).rejects.toThrow(/preference data/);
  });

  test.each(["beginners-guide/instructions-example.json", "self-cognition/sampling_ceval_test.jsonl"])(
    "%s has nothing to train on",
    async (file) => {
      await expect(convertFile(join(sharedData, file))).rejects.toThrow(/No row can be made/);
    },
  );
});
