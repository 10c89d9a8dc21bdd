import { expect, test } from "vitest";
import { MarkdownStream } from "./markdown-stream.ts";

function streamed(pieces: readonly string[], styled = true): string {
  const stream = new MarkdownStream(styled);
  return pieces.map((piece) => stream.add(piece)).join("") + stream.finish();
}

/** Styles by name, so that a test can be read. Text that came in pieces is styled in pieces: neighbours are joined. */
function named(text: string): string {
  const codes: [number, string][] = [
    [1, "⟨bold "],
    [2, "⟨dim "],
    [4, "⟨under "],
    [36, "⟨code "],
    [22, "⟩"],
    [24, "⟩"],
    [39, "⟩"],
  ];
  return codes
    .reduce((styled, [code, name]) => styled.replaceAll(`\u001b[${code}m`, name), text)
    .replace(/⟩⟩/g, "⟩")
    .replace(/⟨bold ⟨under /g, "⟨head ");
}

const text =
  "| a **b** | `c` |\n2 ** 3\n# Title\nSome **bold** text and `co*de*`.\n- one\n  * two\n```js\nconst a = **1**;\n```\n2 * 3 and a_b\nend **x";

test("headings, bold, code, blocks and bullets", () => {
  expect(named(streamed([text]))).toBe(
    "| a **b** | `c` |\n2 ** 3\n⟨head Title⟩\nSome ⟨bold bold⟩ text and ⟨code co⟩⟨code *de⟩⟨code *⟩.\n• one\n  • two\n⟨dim ```js⟩\n⟨code const a = **1**;⟩\n⟨dim ```⟩\n2 * 3 and a_b\nend ⟨bold x⟩",
  );
});

test("however the text is cut, the letters and their styles are the same", () => {
  const plain = (styled: string) => named(styled).replace(/⟩⟨(bold|code|head|dim) /g, "");
  const expected = plain(streamed([text]));
  expect(plain(streamed([...text]))).toBe(expected);
  for (let at = 0; at < text.length; at++) {
    expect(plain(streamed([text.slice(0, at), text.slice(at)]))).toBe(expected);
  }
});

test("without styles the text goes through as it is", () => {
  expect(streamed([...text], false)).toBe(text);
});

test("text is not held back longer than a mark may be", () => {
  const stream = new MarkdownStream(true);
  expect(stream.add("Hel")).toBe("Hel");
  expect(stream.add("lo *")).toBe("lo ");
  expect(stream.add("x")).toBe("*x");
});
