/** How a family of models writes calls of tools. */
export type ToolFormat =
  | "hermes"
  | "qwen coder"
  | "llama"
  | "mistral"
  | "mistral array"
  | "deepseek"
  | "deepseek code"
  | "pythonic";

/** By what a chat template and the vocabulary say; most models without a form of their own learned Hermes'. */
export function toolFormatOf(template: string, hasToken: (token: string) => boolean): ToolFormat {
  const says = (text: string): boolean => template.includes(text);
  if (says("<function=")) return "qwen coder";
  if (says("<tool_call>")) return "hermes";
  if (says("[TOOL_CALLS]") || hasToken("[TOOL_CALLS]"))
    return says("[ARGS]") || hasToken("[ARGS]") ? "mistral" : "mistral array";
  if (says("<｜tool▁call▁begin｜>")) return says("```json") ? "deepseek code" : "deepseek";
  if (says("<|python_start|>") || says("[func_name1(")) return "pythonic";
  if (says("<|python_tag|>") || hasToken("<|python_tag|>")) return "llama";
  return "hermes";
}
