import { UserError } from "../protocol/user-error.ts";
import type { ChatMessage } from "../tokenizer/messages.ts";

/** [start, end) in UTF-16 units. */
export type Span = [start: number, end: number];

/** What a conversation's spans are found with. */
export interface Rendering {
  messages: readonly ChatMessage[];
  /** The template's text for messages; a template may refuse a part of a conversation with a UserError. */
  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string;
  /** Texts of tokens that may end a turn. */
  endTexts: readonly string[];
}

// Not in any alphabet (a private-use character), so that no template changes it and no message contains it.
const mark = "\u{F0C2}turn\u{F0C2}";

/**
 * Where the assistant's turns stand in the rendered conversation `text`: from the end of the words that open the turn to
 * its end-of-turn token. Undefined for a turn that cannot be found.
 *
 * A turn is what the messages up to it add to the messages before it. Where a template renders a part of a conversation
 * otherwise than the whole (it strips old thoughts, or moves the tools), the turn is what changes with its content, or
 * the text that it had in the part.
 */
export function assistantSpans(text: string, rendering: Rendering): (Span | undefined)[] {
  const spans: (Span | undefined)[] = [];
  let previousEnd = 0;
  for (const [index, message] of rendering.messages.entries()) {
    if (message.role !== "assistant") continue;
    const turn = { text, rendering, index, message, previousEnd };
    const span = byPrefix(turn) ?? byReplacement(turn) ?? byText(turn);
    spans.push(span);
    previousEnd = span?.[1] ?? previousEnd;
  }
  return spans;
}

interface Turn {
  text: string;
  rendering: Rendering;
  index: number;
  message: ChatMessage;
  /** Where the assistant's turn before this one ends. */
  previousEnd: number;
}

/** The turn as the difference of two renderings that are both prefixes of the whole. */
function byPrefix({ text, rendering, index, message, previousEnd }: Turn): Span | undefined {
  const { messages } = rendering;
  const before = tryRender(rendering, messages.slice(0, index), true);
  if (before === undefined || !text.startsWith(before) || before.length < previousEnd) return undefined;
  const through = index === messages.length - 1 ? text : tryRender(rendering, messages.slice(0, index + 1), false);
  if (through === undefined || !text.startsWith(through) || through.length < before.length) return undefined;
  if (through.length === before.length && visibleText(message) !== "") return undefined;
  return [before.length, endOfTurn(text, before.length, through.length, message, rendering.endTexts)];
}

/** The turn as what changes when its content is another. */
function byReplacement(turn: Turn): Span | undefined {
  const { text, rendering, index, message, previousEnd } = turn;
  const replaced = [...rendering.messages];
  replaced[index] = { role: message.role, content: mark };
  const other = tryRender(rendering, replaced, false);
  const at = other?.indexOf(mark) ?? -1;
  if (other === undefined || at < 0) return undefined;
  const start = commonPrefix(text, other);
  const tail = commonSuffix(text.slice(start), other.slice(start));
  const end = text.length - tail;
  const isInside = start >= previousEnd && at >= start && at + mark.length <= other.length - tail;
  if (!isInside || !holds(turn, start, end)) return undefined;
  return [afterOpening(turn, start), afterEnding(text, end, rendering.endTexts) ?? end];
}

/** The turn as the text that it adds to the messages before it, wherever the whole has that text. */
function byText({ text, rendering, index, message, previousEnd }: Turn): Span | undefined {
  const before = rendering.messages.slice(0, index);
  const open = tryRender(rendering, before, true);
  const { role, tool_calls } = message;
  // Of an old tool call some templates keep only the call.
  for (const candidate of [message, { role, tool_calls, content: "" }]) {
    const through = tryRender(rendering, [...before, candidate], false);
    if (open === undefined || !through?.startsWith(open)) continue;
    const added = through.slice(open.length).trimEnd();
    const start = text.indexOf(added, previousEnd);
    if (added === "" || start < 0) continue;
    return [start, endOfTurn(text, start, start + added.length, candidate, rendering.endTexts)];
  }
  return undefined;
}

/** The span has the turn's own text, and not that of the message after it. */
function holds({ text, rendering, index, message }: Turn, start: number, end: number): boolean {
  const next = rendering.messages[index + 1];
  const nextText = next ? visibleText(next) : "";
  const isNextBehind = nextText === "" || !text.includes(nextText, start) || text.includes(nextText, end);
  return isNextBehind && text.slice(start, end).includes(visibleText(message));
}

/** Moves the start of a turn's content back to the end of the words that open it, over what the model writes itself. */
function afterOpening({ text, rendering, index, previousEnd }: Turn, contentStart: number): number {
  const before = rendering.messages.slice(0, index);
  const open = tryRender(rendering, before, true) ?? "";
  const closed = tryRender(rendering, before, false) ?? open;
  const opening = open.startsWith(closed) ? open.slice(closed.length) : "";
  const gap = text.slice(previousEnd, contentStart);
  // An old turn may be opened by less than a new one: DeepSeek R1 opens a new one with "<think>" as well.
  for (let length = opening.length; length > 0 && length >= opening.length / 3; length--) {
    const at = gap.lastIndexOf(opening.slice(0, length));
    if (at >= 0) return previousEnd + at + length;
  }
  return contentStart;
}

/** Where a rendered turn ends: with its end-of-turn token, without what templates put behind it. */
function endOfTurn(
  text: string,
  start: number,
  end: number,
  message: ChatMessage,
  endTexts: readonly string[],
): number {
  const turn = text.slice(start, end).trimEnd();
  const visible = visibleText(message);
  const contentEnd = visible === "" ? -1 : turn.lastIndexOf(visible) + visible.length;
  if (contentEnd >= visible.length && visible !== "" && !message.tool_calls) {
    const ending = afterEnding(text, start + contentEnd, endTexts);
    if (ending !== undefined) return ending;
  }
  // A turn that ends with its content has the line break behind it for an ending.
  return contentEnd === turn.length ? end : start + turn.length;
}

/** The position after the end-of-turn token that stands at `position`, blanks before it left aside. */
function afterEnding(text: string, position: number, endTexts: readonly string[]): number | undefined {
  const rest = text.slice(position);
  const blank = rest.length - rest.trimStart().length;
  const matches = endTexts.filter((ending) => rest.startsWith(ending, blank)).map((ending) => ending.length);
  return matches.length === 0 ? undefined : position + blank + Math.max(...matches);
}

/** The text of a message that every template shows: without thoughts, and without blanks around it. */
function visibleText({ content }: ChatMessage): string {
  if (typeof content === "string") return (content.split("</think>").at(-1) ?? "").trim();
  const part = content?.at(-1)?.text;
  return typeof part === "string" ? part.trim() : "";
}

function tryRender(rendering: Rendering, messages: readonly ChatMessage[], open: boolean): string | undefined {
  try {
    return rendering.render(messages, open);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function commonSuffix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
  return length;
}
