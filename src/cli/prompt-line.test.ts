import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { setLanguage } from "../protocol/language.ts";
import { PromptLine } from "./prompt-line.ts";
import { Ui } from "./ui.ts";

let told = "";
let terminal = true;

class FakeUi extends Ui {
  override get interactive(): boolean {
    return terminal;
  }
  override tell(text: string): void {
    told += text;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  setLanguage("en");
  told = "";
  terminal = true;
});
afterEach(() => vi.useRealTimers());

/** A prompt of 1,000 tokens of which a tenth is computed every `ms`. */
function compute(ms: number, total = 1000): PromptLine {
  const line = new PromptLine(new FakeUi(false));
  for (let tenth = 1; tenth <= 10; tenth++) {
    vi.advanceTimersByTime(ms);
    line.onPrompt({ tokens: (total * tenth) / 10, total });
  }
  return line;
}

test("a prompt that takes less than a second shows nothing", () => {
  compute(90);
  expect(told).toBe("");
});

test("one that takes longer shows how far it is, how fast and how long still, and the line goes at its end", () => {
  compute(2000);
  expect(told).toContain("10%  100 of 1000 tokens  50 tokens/s  0:18 left");
  expect(told).toContain("90%  900 of 1000 tokens  50 tokens/s  0:02 left");
  expect(told.endsWith("\r\x1b[2K")).toBe(true);
});

test("the time of later prompts is their own", () => {
  const line = compute(500);
  told = "";
  vi.advanceTimersByTime(60_000);
  line.onPrompt({ tokens: 10, total: 1000 });
  vi.advanceTimersByTime(500);
  line.onPrompt({ tokens: 20, total: 1000 });
  expect(told).toBe("");
});

test("nothing is shown where nobody watches, and Chinese where it is asked for", () => {
  terminal = false;
  compute(2000);
  expect(told).toBe("");
  terminal = true;
  setLanguage("zh");
  compute(2000);
  expect(told).toContain("正在读取提示  50%  500/1000 个词元  50 词元/秒  剩余 0:10");
});
