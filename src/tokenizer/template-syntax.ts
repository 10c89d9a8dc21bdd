import { parse, tokenize } from "@huggingface/jinja";
import { pythonStrip, pythonText } from "./python-text.ts";

/** Names that no template can write, for what the rewritten parts call. */
const textOf = "python str";
const stripOf = (method: string): string => `python ${method}`;

/** What a rewritten template calls, by name. */
export const pythonFunctions: Record<string, unknown> = {
  [textOf]: pythonText,
  ...Object.fromEntries(Object.entries(pythonStrip).map(([method, run]) => [stripOf(method), run])),
};

/** The string filters that Jinja2 lets an undefined value through as "", and @huggingface/jinja refuses. */
const stringFilters = new Set(["trim", "upper", "lower", "title", "capitalize"]);
const stripMethods = new Set(Object.keys(pythonStrip));

/** Statements, and the text between them; whatever else stands in a body is printed. */
const statements = new Set([
  "Program",
  "If",
  "For",
  "Break",
  "Continue",
  "Set",
  "Macro",
  "Comment",
  "CallStatement",
  "FilterStatement",
  "StringLiteral",
]);
const bodies = ["body", "alternate", "defaultBlock"];

type Node = Record<string, unknown>;

/**
 * Rewrites a parsed template, in place, so that it does what Jinja2 does in Python where @huggingface/jinja differs:
 * values are printed as Python writes them (True, None, {'a': 1}), strip methods take the characters to strip, and string
 * filters take undefined values.
 */
export function asInPython<T>(template: T): T {
  visit(template);
  return template;
}

function visit(node: unknown): void {
  if (Array.isArray(node)) {
    for (const child of node) visit(child);
  } else if (isNode(node)) {
    for (const child of Object.values(node)) visit(child);
    for (const body of bodies) {
      const list = node[body];
      if (Array.isArray(list)) node[body] = list.map(printed);
    }
    rewrite(node);
  }
}

function rewrite(node: Node): void {
  const { type, callee, filter, operator } = node;
  if (type === "CallExpression" && isNode(callee) && callee.type === "MemberExpression" && !callee.computed) {
    const method = nameOf(callee.property);
    if (!stripMethods.has(method) || !Array.isArray(node.args)) return;
    Object.assign(node, call(stripOf(method), [callee.object, ...node.args]));
  } else if (type === "FilterExpression") {
    const name = nameOf(filter);
    const args = isNode(filter) && Array.isArray(filter.args) ? filter.args : [];
    if (name === "string") replace(node, inText(node.operand));
    else if (name === "trim") replace(node, call(stripOf("strip"), [inText(node.operand), ...args]));
    else if (stringFilters.has(name)) node.operand = withDefault(node.operand);
  } else if (type === "BinaryExpression" && isNode(operator) && operator.value === "~") {
    node.left = inText(node.left);
    node.right = inText(node.right);
  }
}

function printed(node: unknown): unknown {
  return isNode(node) && !statements.has(String(node.type)) ? inText(node) : node;
}

/** The name of a filter or property, with arguments or without. */
function nameOf(node: unknown): string {
  if (!isNode(node)) return "";
  return node.type === "CallExpression" ? nameOf(node.callee) : String(node.value);
}

// A list around the value keeps its type, which a function's plain arguments lose.
function inText(value: unknown): Node {
  return call(textOf, [{ ...expression("[]"), value: [value] }]);
}

function call(name: string, args: unknown[]): Node {
  const template = expression("f()");
  const callee = isNode(template.callee) ? { ...template.callee, value: name } : undefined;
  return { ...template, callee, args };
}

function withDefault(operand: unknown): Node {
  return { ...expression('x | default("")'), operand };
}

/** The library's own tree of an expression. */
function expression(source: string): Node {
  const [node] = parse(tokenize(`{{ ${source} }}`)).body;
  return isNode(node) ? { ...node } : {};
}

function replace(node: Node, by: Node): void {
  for (const key of Object.keys(node)) delete node[key];
  Object.assign(node, by);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}
