import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** A piece of an answer: what the model thinks before it answers, or the answer. */
export interface AnswerPiece {
  kind: "thinking" | "answer";
  text: string;
}

/** What stands before thoughts and behind them. */
export interface ThinkingMarks {
  open: string;
  close: string;
}

const thinkMarks: ThinkingMarks = { open: "<think>", close: "</think>" };

/** gpt-oss: thoughts and answer are messages in channels. https://cookbook.openai.com/articles/openai-harmony */
export const harmonyMarks: ThinkingMarks = {
  open: "<|channel|>analysis<|message|>",
  close: "<|end|><|start|>assistant<|channel|>final<|message|>",
};

/** How an answer shows its thoughts; undefined where there are none. inThoughts: the prompt ends where the model is to think. */
export function thoughtsOf(
  { hasThinking, addedTokens }: Pick<Tokenizer, "hasThinking" | "addedTokens">,
  { inThoughts }: { inThoughts: boolean },
): { inside: boolean; marks?: ThinkingMarks } | undefined {
  const isHarmony = ["<|channel|>", "<|message|>", "<|start|>"].every((token) => addedTokens.has(token));
  if (isHarmony) return { inside: false, marks: harmonyMarks };
  return hasThinking ? { inside: inThoughts } : undefined;
}

/**
 * Tells thoughts from the answer in a stream of text: what stands between two marks. Text that may be the
 * beginning of such a mark is held back until it is clear; blanks around thoughts are left out.
 */
export class ThinkingSplitter {
  #held = "";
  #inside: boolean;
  readonly #marks: ThinkingMarks;
  #isFresh = true; // nothing was given out since the last mark

  /** inside: the prompt ended within thoughts, as some templates have it. */
  constructor({ inside = false, marks = thinkMarks }: { inside?: boolean; marks?: ThinkingMarks | undefined } = {}) {
    this.#inside = inside;
    this.#marks = marks;
  }

  add(text: string): AnswerPiece[] {
    this.#held += text;
    const pieces: AnswerPiece[] = [];
    for (;;) {
      const mark = this.#inside ? this.#marks.close : this.#marks.open;
      const at = this.#held.indexOf(mark);
      if (at < 0) {
        this.#give(pieces, this.#wanted(this.#held.length - beginningOf(mark, this.#held)));
        return pieces;
      }
      const end = this.#wanted(at);
      this.#give(pieces, end);
      this.#held = this.#held.slice(at - end + mark.length);
      this.#inside = !this.#inside;
      this.#isFresh = true;
    }
  }

  /** The rest, when no more text comes. */
  finish(): AnswerPiece[] {
    const pieces: AnswerPiece[] = [];
    this.#give(pieces, this.#wanted(this.#held.length));
    return pieces;
  }

  /** How much of the first `length` letters to give out: blanks in thoughts wait, since they may be the last. */
  #wanted(length: number): number {
    return this.#inside ? this.#held.slice(0, length).trimEnd().length : length;
  }

  #give(pieces: AnswerPiece[], length: number): void {
    const raw = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    const text = this.#isFresh ? raw.trimStart() : raw;
    if (text === "") return;
    this.#isFresh = false;
    pieces.push({ kind: this.#inside ? "thinking" : "answer", text });
  }
}

/** How much of a text's end is the beginning of a mark. */
function beginningOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
