import { z } from "zod";
import { parseJsonLines, readUtf8 } from "../data/json-lines.ts";
import { UserError } from "../protocol/user-error.ts";
import type { Prompt, PromptSource } from "./random-prompts.ts";

const Message = z.looseObject({ role: z.string() });
const Row = z.union([
  z.string().transform((text) => ({ text })),
  z.looseObject({ messages: z.array(Message).min(1) }).transform(({ messages }) => ({ messages: asked(messages) })),
  z.looseObject({ prompt: z.string() }).transform(({ prompt }) => ({ text: prompt })),
  z.looseObject({ question: z.string() }).transform(({ question }) => ({ text: question })),
]);

/** The prompts of a JSONL file, in its order, and again from its start when there are more requests than rows. */
export class FilePrompts implements PromptSource {
  #next = 0;

  private constructor(readonly rows: readonly Prompt[]) {}

  /**
   * Reads rows with `messages` (the last answer of a training row is left out), `prompt` or `question`, or plain JSON strings.
   * @throws UserError that names the lines that are none of these
   */
  static async load(path: string): Promise<FilePrompts> {
    const text = await readUtf8(path);
    if (text === undefined) throw new UserError("file/absent", { path });
    const rows: Prompt[] = [];
    const wrong: number[] = [];
    for (const { line, value } of parseJsonLines(text)) {
      const row = Row.safeParse(value);
      if (row.success) rows.push({ ...row.data, tokens: undefined });
      else wrong.push(line);
    }
    if (wrong.length > 0 || rows.length === 0) throw new UserError("bench/bad-prompts", { path, lines: wrong });
    return new FilePrompts(rows);
  }

  async take(count: number): Promise<Prompt[]> {
    return Array.from({ length: count }, () => {
      const row = this.rows[this.#next++ % this.rows.length];
      if (!row) throw new Error("a file of prompts has rows");
      return row;
    });
  }
}

function asked<M extends { role: string }>(messages: readonly M[]): readonly M[] {
  return messages.length > 1 && messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
}
