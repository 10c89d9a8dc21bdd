import { existsSync } from "node:fs";
import { z } from "zod";
import { readTextFile, writeTextFile } from "../../core/text-file.ts";
import { parseJsonLines } from "../../data/json-lines.ts";
import { UserError } from "../../protocol/user-error.ts";
import { ChatMessage } from "../../tokenizer/messages.ts";

const Row = z.object({ messages: z.array(ChatMessage).min(1) });

/** What has been said. With two models that answer the same questions, each has a conversation of its own. */
export class Conversation {
  #messages: ChatMessage[] = [];

  constructor(system: string | undefined) {
    this.setSystem(system);
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /** The last thing that the user said. */
  get lastQuestion(): string | undefined {
    const content = this.#messages.findLast(({ role }) => role === "user")?.content;
    return typeof content === "string" ? content : undefined;
  }

  /** What was answered to it, where it was answered. */
  get lastAnswer(): string | undefined {
    const last = this.#messages.at(-1);
    return last?.role === "assistant" && typeof last.content === "string" ? last.content : undefined;
  }

  add(message: ChatMessage): void {
    this.#messages.push(message);
  }

  /** Forgets everything but the system prompt. */
  reset(): void {
    this.#messages = this.#messages.filter(({ role }) => role === "system");
  }

  /** Forgets the last question and what came after it; false when there is none. */
  takeBack(): boolean {
    const at = this.#messages.findLastIndex(({ role }) => role === "user");
    if (at < 0) return false;
    this.#messages = this.#messages.slice(0, at);
    return true;
  }

  setSystem(text: string | undefined): void {
    const others = this.#messages.filter(({ role }) => role !== "system");
    this.#messages = text ? [{ role: "system", content: text }, ...others] : others;
  }

  /**
   * One line of JSON, as training data has it.
   * @throws UserError when there is a file that is no saved conversation: it stays.
   */
  save(path: string): void {
    if (existsSync(path) && !readRow(path)) throw new UserError("chat/overwrites", { path });
    writeTextFile(path, `${JSON.stringify({ messages: this.#messages })}\n`);
  }

  /** @throws UserError when the file is not what `save` writes; the conversation stays as it is then. */
  load(path: string): void {
    const row = readRow(path);
    if (!row) throw new UserError("chat/not-a-conversation", { path });
    this.#messages = row.messages;
  }
}

/** The one row that a file holds; undefined where it holds something else. */
function readRow(path: string): z.output<typeof Row> | undefined {
  const lines = parseJsonLines(readTextFile(path));
  return lines.length === 1 ? Row.safeParse(lines[0]?.value).data : undefined;
}
