import { expect, test } from "vitest";
import { type AnswerPiece, harmonyMarks, ThinkingSplitter } from "./thinking.ts";

function split(pieces: readonly string[], options = {}): Record<string, string> {
  const splitter = new ThinkingSplitter(options);
  const all: AnswerPiece[] = [...pieces.flatMap((piece) => splitter.add(piece)), ...splitter.finish()];
  const text = (kind: string) =>
    all
      .filter((each) => each.kind === kind)
      .map((each) => each.text)
      .join("");
  return { thinking: text("thinking"), answer: text("answer") };
}

const text = "<think>\nTwo and two.\nIs four. \n</think>\n\nFour < five.";

test("thoughts and answer come apart, however the text is cut", () => {
  const expected = { thinking: "Two and two.\nIs four.", answer: "Four < five." };
  expect(split([text])).toEqual(expected);
  expect(split([...text])).toEqual(expected);
  for (let at = 0; at < text.length; at++) expect(split([text.slice(0, at), text.slice(at)])).toEqual(expected);
});

test("channels of messages", () => {
  const { open, close } = harmonyMarks;
  const answer = `${open}Two and two.${close}Four <|end.`;
  for (let at = 0; at < answer.length; at++) {
    const found = split([answer.slice(0, at), answer.slice(at)], { marks: harmonyMarks });
    expect(found).toEqual({ thinking: "Two and two.", answer: "Four <|end." });
  }
});

test("a prompt that ends within thoughts, thoughts without end, and no thoughts", () => {
  expect(split(["Hm.</think>Yes."], { inside: true })).toEqual({ thinking: "Hm.", answer: "Yes." });
  expect(split(["<think>Hm"])).toEqual({ thinking: "Hm", answer: "" });
  expect(split(["a <thi", "s> b <think"])).toEqual({ thinking: "", answer: "a <this> b <think" });
});
