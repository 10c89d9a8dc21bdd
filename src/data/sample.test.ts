import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import type { ChatMessage } from "../tokenizer/messages.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { loadDataset } from "./dataset.ts";
import type { Row } from "./row.ts";
import { requireTargets, type Sample, tokenizeRow, tokenizeRows, truncate } from "./sample.ts";

const place = { file: "train.jsonl", line: 3 };
const user = (content: string): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });
const chat = (...messages: ChatMessage[]): Row => ({ ...place, form: "chat", messages, tools: undefined });

/** The text of each target range. */
function targetTexts(sample: Sample, tokenizer: Tokenizer): string[] {
  return sample.targets.map(([start, end]) => tokenizer.decode(sample.ids.slice(start, end)));
}

describe.skipIf(!hasSharedData)("samples", () => {
  let qwen3: Tokenizer;
  let stories: Tokenizer;
  beforeAll(async () => {
    qwen3 = await Tokenizer.load(join(sharedData, "tokenizers/qwen3"));
    stories = await Tokenizer.load(join(sharedData, "stories260K"));
  });

  test("of text have the special tokens and one end-of-text token; all but the first token is learnt", async () => {
    const row: Row = { ...place, form: "text", text: "Once upon a time" };
    const sample = await tokenizeRow(row, stories);
    expect(sample).toEqual({ ids: [1, 403, 407, 261, 378, 2], promptLength: 0, targets: [[1, 6]], row });
    const ended = await tokenizeRow({ ...place, form: "text", text: "Once upon a time</s>" }, stories);
    expect(ended.ids.filter((id) => id === 2)).toHaveLength(1);
    await expect(tokenizeRow(row, stories, { maskPrompt: true })).rejects.toThrow(/mask_prompt/);
  });

  test("of a conversation are the rendered text and nothing more", async () => {
    const sample = await tokenizeRow(chat(user("q"), assistant("a")), qwen3);
    expect(qwen3.decode(sample.ids)).toBe(
      "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\na<|im_end|>\n",
    );
    expect(sample.targets).toEqual([[1, sample.ids.length]]);
  });

  test("with a masked prompt learn every answer with its end-of-turn token, and nothing else", async () => {
    const row = chat(user("问题😀"), assistant("答案一👍"), user("<|im_end|>?"), assistant("答案二"));
    const sample = await tokenizeRow(row, qwen3, { maskPrompt: true });
    expect(targetTexts(sample, qwen3)).toEqual(["答案一👍<|im_end|>", "<think>\n\n</think>\n\n答案二<|im_end|>"]);
    expect(sample.promptLength).toBe(sample.targets[0]?.[0]);
  });

  test("in compat mode have mlx-lm's offset: only the last message is learnt, to the last token", async () => {
    const row = chat(user("q"), assistant("a"), user("r"), assistant("b"));
    const sample = await tokenizeRow(row, qwen3, { maskPrompt: true, compat: true });
    expect(targetTexts(sample, qwen3)).toEqual(["<think>\n\n</think>\n\nb<|im_end|>\n"]);
    expect(sample.promptLength).toBe(sample.targets[0]?.[0]);
  });

  test("of a tool call have its arguments as values, in compat mode as they are written", async () => {
    const call = { type: "function", function: { name: "f", arguments: '{"a":"北京"}' } };
    const row = chat(user("q"), { role: "assistant", content: "", tool_calls: [call] });
    const text = async (compat: boolean) => qwen3.decode((await tokenizeRow(row, qwen3, { compat })).ids);
    expect(await text(false)).toContain('"arguments": {"a": "北京"}}');
    expect(await text(true)).toContain('"arguments": {"a":"北京"}}');
  });

  test("a word belongs to the answer with the blank that a SentencePiece token gives it", async () => {
    const mistral = await Tokenizer.load(join(sharedData, "tokenizers/mistral-v0.3"));
    const sample = await tokenizeRow(chat(user("q"), assistant("answer"), user("r"), assistant("好")), mistral, {
      maskPrompt: true,
    });
    expect(targetTexts(sample, mistral).map((text) => text.trim())).toEqual(["answer</s>", "好</s>"]);
  });

  test("that the template refuses are told with file and line", async () => {
    const mistral = await Tokenizer.load(join(sharedData, "tokenizers/mistral-v0.3"));
    await expect(tokenizeRow(chat(user("q"), { role: "narrator", content: "r" }), mistral)).rejects.toThrow(
      /^train.jsonl, line 3: .*template/,
    );
    await expect(tokenizeRow(chat(user("q")), stories)).rejects.toThrow(/no chat template/);
  });

  test("of calls that the template leaves out are refused; several rows that fail are told together", async () => {
    const phi3 = await Tokenizer.load(join(sharedData, "tokenizers/phi-3-mini"));
    const call = { type: "function", function: { name: "get_weather", arguments: {} } };
    const row = chat(user("q"), { role: "assistant", content: "", tool_calls: [call] });
    await expect(tokenizeRows([row], phi3)).rejects.toThrow(
      /^train.jsonl, line 3: .*leaves out the call of "get_weather"/,
    );
    await expect(tokenizeRows(Array(7).fill(row), phi3)).rejects.toThrow(
      /cannot be used with this model:(\n.*line 3.*){5}\n {2}and 2 more$/,
    );
    expect((await tokenizeRow(row, phi3, { compat: true })).ids.length).toBeGreaterThan(0);
  });

  test("are cut at their head; a row that has lost its targets, or never had one, is reported", async () => {
    const rows = [
      chat(user("q"), assistant("a")),
      chat(user("a long question that fills the room of its answer"), assistant("a")),
    ];
    const { samples, truncated } = await tokenizeRows(rows, qwen3, { maskPrompt: true, maxSeqLength: 16 });
    expect(truncated).toBe(1);
    expect(samples.map(({ ids }) => ids.length)).toEqual([16, 16]);
    expect(() => requireTargets(samples.slice(0, 1))).not.toThrow();
    expect(() => requireTargets(samples)).toThrow(/train.jsonl:3/);
    const none = await tokenizeRow(chat(user("q")), qwen3, { maskPrompt: true });
    expect(() => requireTargets([none])).toThrow(/Nothing can be learnt/);
  });

  test("of a real set: the answers are what is learnt, in order of the rows", async () => {
    const { train } = await loadDataset(join(sharedData, "self-cognition/mlx_data"));
    const { samples, truncated } = await tokenizeRows(train, qwen3, { maskPrompt: true });
    expect(truncated).toBe(0);
    for (const [i, sample] of samples.entries()) {
      const row = train[i];
      expect(sample.row).toBe(row);
      const content = row && row.form !== "text" ? row.messages.at(-1)?.content : undefined;
      expect(targetTexts(sample, qwen3)).toEqual([`${content}<|im_end|>`]);
    }
  });
});

test("truncation cuts the range that crosses the end and drops those behind it", () => {
  const row = chat(user("q"));
  const sample: Sample = {
    ids: [0, 1, 2, 3, 4, 5],
    promptLength: 1,
    targets: [
      [1, 3],
      [4, 6],
    ],
    row,
  };
  expect(truncate(sample, 5)).toMatchObject({
    ids: [0, 1, 2, 3, 4],
    targets: [
      [1, 3],
      [4, 5],
    ],
  });
  expect(truncate(sample, 4).targets).toEqual([[1, 3]]);
  expect(truncate(sample, 6)).toBe(sample);
});
