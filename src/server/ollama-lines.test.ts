import { expect, test } from "vitest";
import { type AnswerDelta, type AnswerEnd, emptyDelta } from "./answer.ts";
import { messageOf, ollamaLines } from "./ollama-lines.ts";

const end: AnswerEnd = {
  finishReason: "tool_calls",
  promptTokens: 7,
  completionTokens: 9,
  cachedTokens: 2,
  reasoningTokens: 1,
};

async function* piecesOf(...pieces: Partial<AnswerDelta>[]): AsyncGenerator<AnswerDelta, AnswerEnd> {
  for (const piece of pieces) yield { ...emptyDelta(), ...piece };
  return end;
}

async function linesOf(pieces: AsyncGenerator<AnswerDelta, AnswerEnd>): Promise<object[]> {
  const lines: object[] = [];
  for await (const line of ollamaLines(pieces, { model: "m", start: process.hrtime.bigint() }, messageOf))
    lines.push(line);
  return lines;
}

test("calls come whole, when they are", async () => {
  const lines = await linesOf(
    piecesOf(
      { thinking: "Hm." },
      { text: "So", calls: [{ index: 0, id: "a", name: "f", arguments: "" }] },
      { calls: [{ index: 0, arguments: '{"x":' }] },
      {
        calls: [
          { index: 0, arguments: " 1}" },
          { index: 1, id: "b", name: "g", arguments: "{}" },
        ],
      },
    ),
  );
  const message = (changes: object) => ({ message: { role: "assistant", content: "", ...changes } });
  const call = (name: string, given: object) => ({ tool_calls: [{ function: { name, arguments: given } }] });
  expect(lines).toMatchObject([
    { ...message({ thinking: "Hm." }), done: false },
    { ...message({ content: "So" }), done: false },
    { ...message(call("f", { x: 1 })), done: false },
    { ...message(call("g", {})), done: false },
    { ...message({}), done: true, done_reason: "stop", prompt_eval_count: 7, eval_count: 9 },
  ]);
  expect(lines.every((line) => "model" in line && line.model === "m")).toBe(true);
});
