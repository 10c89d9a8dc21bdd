import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Conversation } from "./conversation.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-chat-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("keeps the system prompt through a reset and takes questions back", () => {
  const talk = new Conversation("Be brief.");
  talk.add({ role: "user", content: "a" });
  talk.add({ role: "assistant", content: "b" });
  talk.add({ role: "user", content: "c" });
  expect(talk.lastQuestion).toBe("c");
  expect(talk.takeBack()).toBe(true);
  expect(talk.messages.map(({ content }) => content)).toEqual(["Be brief.", "a", "b"]);
  talk.setSystem("Be long.");
  talk.reset();
  expect(talk.messages).toEqual([{ role: "system", content: "Be long." }]);
  expect([talk.takeBack(), talk.lastQuestion]).toEqual([false, undefined]);
  talk.setSystem(undefined);
  expect(talk.messages).toEqual([]);
});

test("is saved as a row of training data and loaded again; another file changes nothing", () => {
  const path = join(folder, "talk.json");
  const talk = new Conversation(undefined);
  talk.add({ role: "user", content: "你好" });
  talk.save(path);
  expect(readFileSync(path, "utf8")).toBe('{"messages":[{"role":"user","content":"你好"}]}\n');
  const other = new Conversation("x");
  other.load(path);
  expect(other.messages).toEqual(talk.messages);
  writeFileSync(path, '{"messages": 3}');
  expect(() => other.load(path)).toThrow("not a saved conversation");
  expect(() => other.load(join(folder, "absent"))).toThrow("There is no file");
  expect(() => other.load(folder)).toThrow("is a folder");
  expect(other.messages).toEqual(talk.messages);
});

test("takes the place of a conversation that was saved before, and of nothing else", () => {
  const path = join(folder, "again.json");
  const talk = new Conversation("a");
  talk.save(path);
  talk.add({ role: "user", content: "b" });
  talk.save(path);
  expect(readFileSync(path, "utf8")).toContain('"b"');
  const rows = readFileSync(path, "utf8").repeat(2);
  writeFileSync(path, rows);
  expect(() => talk.save(path)).toThrow("Nothing was written");
  expect(readFileSync(path, "utf8")).toBe(rows);
  expect(() => talk.save(folder)).toThrow("is a folder");
});
