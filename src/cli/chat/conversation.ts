import { z } from "zod";
import { readJsonFile, writeTextFile } from "../../core/text-file.ts";
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

  /** One line of JSON, as training data has it. */
  save(path: string): void {
    writeTextFile(path, `${JSON.stringify({ messages: this.#messages })}\n`);
  }

  /** @throws UserError when the file is not what `save` writes; the conversation stays as it is then. */
  load(path: string): void {
    const row = Row.safeParse(readJsonFile(path));
    if (!row.success) throw new UserError("chat/not-a-conversation", { path });
    this.#messages = row.data.messages;
  }
}
