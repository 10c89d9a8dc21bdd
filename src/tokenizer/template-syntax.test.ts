import { describe, expect, test } from "vitest";
import { ChatTemplate } from "./chat-template.ts";

// What Jinja2 gives in the environment of Python transformers.

const templateVariables = {
  quotes: 'it\'s "x"',
  controls: "a\nb\t\\\u00a0\u3000\u0007好",
  numbers: [0.1, 1.5e300, 1e-7, 123456789.25, 21.5, 3],
  nested: { a: [true, null, { b: "c" }], "k'": 1 },
};

function render(source: string): string {
  return new ChatTemplate(source, {}).render([], { templateVariables });
}

describe("a template", () => {
  test.each([
    ["{{ true }}{{ none }}{{ 1.0 }}{{ nothing }}", "TrueNone1.0"],
    ["{{ [1, 'a', none, true] }}", "[1, 'a', None, True]"],
    ["{{ nested }}", "{'a': [True, None, {'b': 'c'}], \"k'\": 1}"],
    ["{{ [quotes] }}{{ quotes }}", "['it\\'s \"x\"']it's \"x\""],
    ["{{ [controls] }}", "['a\\nb\\t\\\\\\xa0\\u3000\\x07好']"],
    ["{{ numbers }}", "[0.1, 1.5e+300, 1e-07, 123456789.25, 21.5, 3]"],
    ["{{ 'x' ~ true ~ none ~ 1.5 ~ nothing }}", "xTrueNone1.5"],
    ["{{ true | string }}{{ none | string }}{{ nested.a | string }}", "TrueNone[True, None, {'b': 'c'}]"],
    ["{% if true %}{{ false }}{% endif %}{% for x in [] %}{% else %}{{ true }}{% endfor %}", "FalseTrue"],
    ["{% macro m(a) %}{{ a }}{% endmacro %}{{ m(true) }}{% set x %}{{ none }}{% endset %}{{ x }}", "TrueNone"],
    ["{{ 'a' if false }}|{{ nested.get('z') }}", "|None"],
  ])("prints values as Python does: %s", (source, expected) => {
    expect(render(source)).toBe(expected);
  });

  test.each([
    ["{{ 'xxaxx'.strip('x') }}|{{ '\n\n a'.lstrip('\n') }}|{{ 'abcba'.rstrip('ba') }}", "a| a|abc"],
    ["{{ '  x ' | trim }}|{{ 'xax' | trim('x') }}|{{ 3 | trim }}|{{ nothing | trim }}", "x|a|3|"],
    ["{{ ' a '.strip() }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}", "a|a | a"],
  ])("strips what Python strips: %s", (source, expected) => {
    expect(render(source)).toBe(expected);
  });

  test("counts among blanks what Python counts", () => {
    const strip = (text: string) =>
      new ChatTemplate("{{ text.strip() }}", {}).render([], { templateVariables: { text } });
    expect(strip("\x1c\x85\u3000a\u2003\v")).toBe("a");
    expect(strip("\ufeffa\u200b")).toBe("\ufeffa\u200b");
  });

  test("is refused for stripping what is no text", () => {
    expect(() => render("{{ numbers.strip() }}")).toThrow(/only text can be stripped/);
  });
});
