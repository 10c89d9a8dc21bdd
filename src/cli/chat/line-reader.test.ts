import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { LineReader } from "./line-reader.ts";

const folder = mkdtempSync(join(tmpdir(), "cygnet-lines-"));
afterAll(() => rmSync(folder, { recursive: true }));
const ctrlC = "\x03";
const up = "\x1b[A";
const paste = (text: string) => `\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`;

/** A person at a terminal. */
class Person {
  readonly reader: LineReader;
  shown = "";
  readonly #keys = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });

  constructor() {
    const write = (text: string) => {
      this.shown += text;
    };
    this.reader = new LineReader(this.#keys, { isTTY: true, columns: 80, write, on: () => {} });
  }

  async types(keys: string): Promise<void> {
    this.#keys.write(keys);
    await turn();
    await turn();
  }
}

beforeEach(() => {
  vi.stubEnv("XDG_STATE_HOME", folder);
  rmSync(join(folder, "cygnet"), { recursive: true, force: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test("pasted lines are one text, which the history gives back whole, in the next chat too", async () => {
  const first = new Person();
  const asked = first.reader.next("> ");
  await first.types(paste("one\n  two\nthree"));
  await first.types(" and\r");
  expect(await asked).toBe("one\n  two\nthree and");
  first.reader.close();

  const second = new Person();
  const again = second.reader.next("> ");
  await second.types(`${up}!\r`);
  expect(await again).toBe("one\n  two\nthree and!");
  second.reader.close();
});

test("a paste that ends with a line end waits for Enter", async () => {
  const person = new Person();
  const asked = person.reader.next("> ");
  await person.types(paste("one\ntwo\n"));
  await person.types("\r");
  expect(await asked).toBe("one\ntwo\n");
  person.reader.close();
});

test("what is typed while an answer comes is shown and taken after it", async () => {
  const person = new Person();
  const asked = person.reader.next("> ");
  await person.types("hello\r");
  expect(await asked).toBe("hello");
  person.shown = "";
  await person.types("next\rhal");
  expect(person.shown).toBe("");
  expect(await person.reader.next("> ")).toBe("next");
  expect(person.shown).toBe("> next\n");
  const last = person.reader.next("> ");
  await person.types("f\r");
  expect(await last).toBe("half");
  person.reader.close();
});

test("a text to edit may have several lines", async () => {
  const person = new Person();
  const asked = person.reader.next("> ", "who are\nyou");
  await person.types("?\r");
  expect(await asked).toBe("who are\nyou?");
  person.reader.close();
});

test("Ctrl-C ends an answer, empties a line, and ends the chat only the second time", async () => {
  const person = new Person();
  let interrupts = 0;
  person.reader.onInterrupt = () => interrupts++;
  await person.types(ctrlC);
  expect(interrupts).toBe(1);
  person.reader.onInterrupt = undefined;
  const asked = person.reader.next("> ");
  await person.types(`wrong${ctrlC}`);
  await person.types(ctrlC);
  expect(person.shown).toContain("Ctrl-D or /exit");
  await person.types("right\r");
  expect(await asked).toBe("right");
  const ended = person.reader.next("> ");
  await person.types(ctrlC);
  await person.types(ctrlC);
  expect(await ended).toBeUndefined();
  expect(person.shown.endsWith("\n\x1b[?2004l")).toBe(true);
});
