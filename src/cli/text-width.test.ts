import { expect, test } from "vitest";
import { displayWidth, padEnd } from "./text-width.ts";

test("a Chinese character takes two columns, a letter one, a combining mark none", () => {
  expect(displayWidth("小鹅 swan")).toBe(9);
  expect(displayWidth("e\u0301")).toBe(1);
  expect(displayWidth("：，")).toBe(4);
  expect(displayWidth("🚀✅→")).toBe(5);
});

test("padding counts columns, not characters", () => {
  expect(padEnd("小鹅", 6)).toBe("小鹅  ");
});
