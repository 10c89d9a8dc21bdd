import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PullProgress } from "../hub/pull.ts";
import { DownloadLine } from "./download-line.ts";
import { displayWidth } from "./text-width.ts";
import { Ui } from "./ui.ts";

class WatchedUi extends Ui {
  text = "";
  override get interactive(): boolean {
    return true;
  }
  override tell(text: string): void {
    this.text += text;
  }
  /** What stands in the line that is drawn again. */
  get line(): string {
    return this.text.split("\r\u001b[2K").at(-1) ?? "";
  }
}

const name = "mlx-community/DeepSeek-R1-Distill-Qwen-7B-4bit";
const at = (bytes: number): PullProgress => ({
  repository: { hub: "hf", kind: "model", name, revision: "main" },
  bytes,
  totalBytes: 4.3e9,
  files: 9,
  filesDone: 3,
  checking: false,
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("the line of a download has room for its numbers, and tells the time left once the speed is known", () => {
  const ui = new WatchedUi(false);
  const { hooks } = new DownloadLine(ui);
  hooks.onProgress?.(at(1000));
  expect(ui.text).toContain(`Downloading ${name} from Hugging Face\n`);
  for (const [ms, bytes] of [
    [500, 2000],
    [1000, 20e6],
    [1500, 40e6],
  ] as const) {
    expect(ui.line).not.toContain("left");
    vi.advanceTimersByTime(ms);
    hooks.onProgress?.(at(bytes));
  }
  expect(ui.line).toMatch(/^ {2}0% {2}40\.0 MB of 4\.30 GB {2}13\.3 MB\/s {2}5:20 left$/);
  expect(displayWidth(ui.line)).toBeLessThan(60);
});
