import { empty, literal, repeated, sequence } from "../grammar/ebnf.ts";
import { prefixed } from "../grammar/prefixed-rules.ts";
import { type Grammar, schemaGrammar } from "../grammar/schema-grammar.ts";
import { parameterRules } from "./forced-parameters.ts";
import type { CallableTool } from "./json-call.ts";
import type { ToolFormat } from "./tool-format.ts";

export interface ForcedCalls {
  tools: readonly CallableTool[];
  /** More than one call may come. */
  isParallel: boolean;
}

/** What stands around a call's name and its arguments, and around all calls. */
interface CallForm {
  open: string;
  beforeName: string;
  beforeArguments: string;
  end: string;
  between: string;
  close: string;
}

const deepSeekCall = "<｜tool▁call▁begin｜>";
const deepSeekEnd = "<｜tool▁call▁end｜>";
const around = (form: Partial<CallForm>): CallForm => {
  return { open: "", beforeName: "", beforeArguments: "", end: "", between: "", close: "", ...form };
};

const forms: Record<ToolFormat, CallForm> = {
  hermes: around({
    beforeName: '<tool_call>\n{"name": "',
    beforeArguments: '", "arguments": ',
    end: "}\n</tool_call>",
    between: "\n",
  }),
  "qwen coder": around({
    beforeName: "<tool_call>\n<function=",
    beforeArguments: ">\n",
    end: "</function>\n</tool_call>",
    between: "\n",
  }),
  llama: around({ beforeName: '{"name": "', beforeArguments: '", "parameters": ', end: "}", between: "; " }),
  mistral: around({ beforeName: "[TOOL_CALLS]", beforeArguments: "[ARGS]" }),
  "mistral array": around({
    open: "[TOOL_CALLS][",
    beforeName: '{"name": "',
    beforeArguments: '", "arguments": ',
    end: "}",
    between: ", ",
    close: "]",
  }),
  deepseek: around({
    open: "<｜tool▁calls▁begin｜>",
    beforeName: deepSeekCall,
    beforeArguments: "<｜tool▁sep｜>",
    end: deepSeekEnd,
    close: "<｜tool▁calls▁end｜>",
  }),
  "deepseek code": around({
    open: "<｜tool▁calls▁begin｜>",
    beforeName: `${deepSeekCall}function<｜tool▁sep｜>`,
    beforeArguments: "\n```json\n",
    end: `\n\`\`\`${deepSeekEnd}`,
    between: "\n",
    close: "<｜tool▁calls▁end｜>",
  }),
  pythonic: around({ open: "[", beforeArguments: "(", end: ")", between: ", ", close: "]" }),
};

/** Calls at most, where several may come. */
const mostCalls = 16;

/** An answer that calls tools and says nothing else, in the form of the model's family. What a schema says beyond a grammar is left out. */
export function forcedCallGrammar(format: ToolFormat, { tools, isParallel }: ForcedCalls): Grammar {
  const { open, close, between, beforeName, beforeArguments, end } = forms[format];
  const rules: string[] = [];
  const calls = tools.map(({ name, parameters }, i) => {
    const prefix = `tool_${i}_`;
    const grammar =
      format === "qwen coder" || format === "pythonic"
        ? parameterRules(format, parameters)
        : schemaGrammar(parameters ?? { type: "object" }, { isLenient: true });
    rules.push(prefixed(grammar, prefix));
    return sequence(literal(beforeName + name + beforeArguments), `${prefix}root`, end === "" ? empty : literal(end));
  });
  const call = `root_call ::= ${calls.join(" | ")}`;
  const more = isParallel ? repeated(sequence(separator(between), "root_call"), 0, mostCalls - 1) : empty;
  const root = `root ::= ${sequence(separator(open), "root_call", more, separator(close))}`;
  return [root, call, ...rules].join("\n");
}

function separator(text: string): string {
  return text === "" ? empty : literal(text);
}
