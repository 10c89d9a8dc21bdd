import type { ChatMessage } from "../../tokenizer/messages.ts";

/** What stands for `{{NAME}}` and `{{AUTHOR}}`, in Chinese and in other rows. */
export interface Names {
  name?: string | undefined;
  author?: string | undefined;
  /** Where absent, `name` and `author`. */
  en_name?: string | undefined;
  en_author?: string | undefined;
}

const placeholder = /\{\{\s*(name|author)\s*\}\}/gi;

/** The messages with every placeholder filled; the placeholders that no name was given for are left and listed. */
export function fillPlaceholders(
  messages: readonly ChatMessage[],
  names: Names,
  tag: unknown,
): { messages: ChatMessage[]; unfilled: string[] } {
  const isChinese = typeof tag === "string" ? tag.toLowerCase().startsWith("zh") : hasChinese(messages);
  const values = isChinese
    ? { name: names.name, author: names.author }
    : { name: names.en_name ?? names.name, author: names.en_author ?? names.author };
  const unfilled = new Set<string>();
  const fill = (text: string) =>
    text.replace(placeholder, (whole, key: string) => {
      const value = key.toLowerCase() === "name" ? values.name : values.author;
      if (value === undefined) unfilled.add(whole);
      return value ?? whole;
    });
  const filled = messages.map((message) =>
    typeof message.content === "string" ? { ...message, content: fill(message.content) } : message,
  );
  return { messages: filled, unfilled: [...unfilled] };
}

function hasChinese(messages: readonly ChatMessage[]): boolean {
  return messages.some(({ content }) => typeof content === "string" && /\p{Script=Han}/u.test(content));
}
