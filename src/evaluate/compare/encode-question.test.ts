import { join } from "node:path";
import { expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import { tinyModel } from "../../../test/started-server.ts";
import type { ChatMessage } from "../../tokenizer/messages.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { encodeQuestion } from "./encode-question.ts";
import { type Question, typedQuestion } from "./questions.ts";

const place = { file: "rows.jsonl", line: 3 };

function answered(...turns: readonly string[]): Question {
  const messages = turns.map((content, i): ChatMessage => ({ role: i % 2 === 0 ? "user" : "assistant", content }));
  const row = { ...place, form: "chat" as const, messages, tools: undefined };
  return { place, asked: { messages: messages.slice(0, -1), tools: undefined }, reference: turns.at(-1), row };
}

async function partsOf(question: Question, folder: string) {
  const tokenizer = await Tokenizer.load(folder);
  const { prompt, reference, inThoughts } = await encodeQuestion(question, tokenizer, undefined);
  const { ids, first } = reference ?? { ids: [], first: 0 };
  return {
    prompt: tokenizer.decode(prompt),
    before: tokenizer.decode(ids.slice(0, first)),
    reference: tokenizer.decode(ids.slice(first)),
    inThoughts,
  };
}

test("the reference is the last answer as it is trained on, behind the prompt", async () => {
  const { prompt, before, reference } = await partsOf(answered("hi", "hello", "who?", "Cygnet."), tinyModel);
  expect(before).toBe(prompt);
  expect(reference).toBe("Cygnet.<|im_end|>");
  expect(await partsOf(typedQuestion("hi"), tinyModel)).toMatchObject({ reference: "" });
});

test("of a plain text what stands behind the prompt is predicted", async () => {
  const text = "The kettle sings and the cat sleeps.";
  const row = { ...place, form: "text" as const, text };
  const asked = { text: "The kettle sings" };
  const parts = await partsOf({ place, asked, reference: "and the cat sleeps.", row }, tinyModel);
  expect(parts.before + parts.reference).toContain(text);
  expect(parts.reference).toContain("cat sleeps.");
});

test.skipIf(!hasSharedData)(
  "a model that thinks is measured on the answer with the thoughts that its template writes",
  async () => {
    const folder = join(sharedData, "tokenizers/qwen3");
    const { prompt, before, reference } = await partsOf(answered("who?", "Cygnet."), folder);
    expect(before).toBe(prompt);
    expect(reference).toBe("<think>\n\n</think>\n\nCygnet.<|im_end|>");
  },
);
