import { expect, test } from "vitest";
import { StatusLine } from "../status-line.ts";
import { Ui } from "../ui.ts";
import { AnswerPrinter } from "./answer-printer.ts";

/** Streams without styles; standard error is a terminal or not. */
class WatchedUi extends Ui {
  out = "";
  err = "";

  constructor(private readonly isTerminal: boolean) {
    super(false);
  }
  override get interactive(): boolean {
    return this.isTerminal;
  }
  override tell(text: string): void {
    this.err += text;
  }
  override print(text: string): void {
    this.out += text;
  }
}

function printed({ fold, interactive }: { fold: boolean; interactive: boolean }): { out: string; err: string } {
  const ui = new WatchedUi(interactive);
  const printer = new AnswerPrinter(ui, new StatusLine(ui), { fold });
  printer.add({ kind: "thinking", text: "Hm." });
  printer.add({ kind: "answer", text: "**Yes**" });
  printer.finish();
  return { out: ui.out, err: ui.err };
}

test("without styles words say where thoughts begin and end, and Markdown stays as it is", () => {
  const err = "[thinking]\nHm.\n\n[answer]\n";
  expect(printed({ fold: false, interactive: true })).toEqual({ out: "**Yes**\n", err });
});

test("folded thoughts leave one line on a terminal, and nothing elsewhere", () => {
  const { err } = printed({ fold: true, interactive: true });
  expect(err.split("\r\u001b[2K").at(-1)).toBe("thought: 3 characters (/set thinking show prints them)\n");
  expect(printed({ fold: true, interactive: false })).toEqual({ out: "**Yes**\n", err: "" });
});
