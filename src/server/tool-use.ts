import { randomUUID } from "node:crypto";
import { forcedCallGrammar } from "../generate/tool-calls/forced-calls.ts";
import type { CallableTool } from "../generate/tool-calls/json-call.ts";
import { ToolCallReader } from "../generate/tool-calls/tool-call-reader.ts";
import { type ToolFormat, toolFormatOf } from "../generate/tool-calls/tool-format.ts";
import type { ChatRequest, ToolChoice } from "../protocol/openai.ts";
import { UserError } from "../protocol/user-error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** A piece of a call in an answer: its name and id first, then its arguments. */
export interface CallDelta {
  index: number;
  id?: string;
  name?: string;
  arguments: string;
}

/** The tools that an answer may call, and how the model writes calls. */
export interface ToolUse {
  tools: readonly CallableTool[];
  format: ToolFormat;
  /** Only the first call counts. */
  isSingle: boolean;
  /** The grammar of an answer that has to call. */
  grammar?: string | undefined;
}

type ToolFields = Pick<ChatRequest, "tools" | "tool_choice" | "parallel_tool_calls">;

/** @throws UserError when `tool_choice` asks for a tool that there is not. */
export function toolUseOf(tokenizer: Tokenizer, request: ToolFields): ToolUse | undefined {
  const { tools = [], choice } = { tools: request.tools ?? [], choice: request.tool_choice ?? "auto" };
  const forced = choice !== "auto" && choice !== "none";
  if (forced && tools.length === 0) throw new UserError("server/no-tools", { choice: choiceName(choice) });
  if (tools.length === 0 || choice === "none") return undefined;
  const known = tools.map(
    ({ function: { name, parameters } }): CallableTool => ({ name, parameters: parameters ?? undefined }),
  );
  const isSingle = request.parallel_tool_calls === false || typeof choice === "object";
  const format = toolFormatOf(tokenizer.templateSource, (token) => tokenizer.addedTokens.has(token));
  if (!forced) return { tools: known, format, isSingle };
  const wanted = typeof choice === "object" ? known.filter(({ name }) => name === choice.function.name) : known;
  if (wanted.length === 0) {
    throw new UserError("server/unknown-tool", { name: choiceName(choice), names: known.map(({ name }) => name) });
  }
  return {
    tools: known,
    format,
    isSingle,
    grammar: forcedCallGrammar(format, { tools: wanted, isParallel: !isSingle }),
  };
}

function choiceName(choice: ToolChoice): string {
  return typeof choice === "string" ? choice : choice.function.name;
}

/** Tells calls from text in one answer, and names them. */
export class CallSplitter {
  readonly #reader: ToolCallReader;
  readonly #isSingle: boolean;

  constructor({ format, tools, isSingle }: ToolUse) {
    this.#reader = new ToolCallReader(format, tools);
    this.#isSingle = isSingle;
  }

  get hasCalls(): boolean {
    return this.#reader.hasCalls;
  }

  /** isLast: no more text comes. */
  add(text: string, isLast: boolean): { text: string; calls: CallDelta[] } {
    const found: { text: string; calls: CallDelta[] } = { text: "", calls: [] };
    for (const piece of [...this.#reader.add(text), ...(isLast ? this.#reader.finish() : [])]) {
      if (piece.kind === "text") found.text += piece.text;
      else if (this.#isSingle && piece.index > 0) continue;
      else if (piece.kind === "arguments") found.calls.push({ index: piece.index, arguments: piece.text });
      else
        found.calls.push({
          index: piece.index,
          id: `call_${randomUUID().replaceAll("-", "")}`,
          name: piece.name,
          arguments: "",
        });
    }
    return found;
  }
}

/** A call as it stands at the end of an answer. */
export interface WholeCall {
  id: string;
  name: string;
  arguments: string;
}

/** Adds pieces to the calls they belong to. */
export function addCalls(calls: WholeCall[], pieces: readonly CallDelta[]): void {
  for (const { index, id, name, arguments: text } of pieces) {
    const call = calls[index] ?? { id: id ?? "", name: name ?? "", arguments: "" };
    calls[index] = call;
    call.arguments += text;
  }
}
