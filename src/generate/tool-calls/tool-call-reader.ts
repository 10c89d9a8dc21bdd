import type { CallableTool } from "./json-call.ts";
import { type CallParser, deepSeekCalls, hermesCalls, llamaCalls, mistralCalls } from "./marked-calls.ts";
import { pythonicCalls } from "./pythonic-calls.ts";
import { qwenCoderCalls } from "./qwen-coder-calls.ts";
import { type Reading, TextCursor, type ToolPiece } from "./text-cursor.ts";
import type { ToolFormat } from "./tool-format.ts";

const parsers: Record<ToolFormat, CallParser> = {
  hermes: hermesCalls,
  "qwen coder": qwenCoderCalls,
  llama: llamaCalls,
  mistral: mistralCalls,
  "mistral array": mistralCalls,
  deepseek: deepSeekCalls,
  "deepseek code": deepSeekCalls,
  pythonic: pythonicCalls,
};

/**
 * Tells calls of tools from text in an answer as it comes. Text that turns out to be no call stays text; a call is one when its
 * tool is known, and its arguments are handed out as they are read, whole or not.
 */
export class ToolCallReader {
  readonly #cursor = new TextCursor();
  readonly #parser: Reading<void>;

  constructor(format: ToolFormat, tools: readonly CallableTool[]) {
    this.#parser = parsers[format](this.#cursor, tools);
    this.#parser.next();
  }

  get hasCalls(): boolean {
    return this.#cursor.hasCalls;
  }

  add(text: string): ToolPiece[] {
    for (const unit of text.split("")) this.#parser.next(unit);
    return this.#cursor.written();
  }

  /** The rest, when no more text comes. */
  finish(): ToolPiece[] {
    this.#parser.next(undefined);
    this.#cursor.end();
    return this.#cursor.written();
  }
}
