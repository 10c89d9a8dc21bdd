import { parse, tokenize } from "@huggingface/jinja";

/** The string filters that Jinja2 lets an undefined value through as "", and @huggingface/jinja refuses. */
const stringFilters = new Set(["trim", "upper", "lower", "title", "capitalize"]);

/**
 * Rewrites `x | trim` to `x | default("") | trim`, in place, throughout a parsed template.
 * Hermes' tool template trims descriptions that a tool need not have.
 */
export function acceptUndefined<T>(template: T): T {
  visit(template);
  return template;
}

function visit(node: unknown): void {
  if (Array.isArray(node)) {
    for (const child of node) visit(child);
  } else if (isNode(node)) {
    for (const child of Object.values(node)) visit(child);
    if (node.type === "FilterExpression" && isNode(node.filter) && stringFilters.has(String(node.filter.value))) {
      node.operand = withDefault(node.operand);
    }
  }
}

function isNode(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The tree of `operand | default("")`, made from the library's own parser. */
function withDefault(operand: unknown): unknown {
  const [expression] = parse(tokenize('{{ x | default("") }}')).body;
  return { ...expression, operand };
}
