import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PartialFile, partialSize } from "./partial-file.ts";

const newTarget = () => join(mkdtempSync(join(tmpdir(), "cygnet-partial-")), "blob");

/** The id of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

async function claimed(target: string): Promise<PartialFile> {
  const partial = await PartialFile.claim(target);
  if (!partial) throw new Error("it is free");
  return partial;
}

test("what one try leaves the next goes on with, and the whole file appears at the end", async () => {
  const target = newTarget();
  const first = await claimed(target);
  await first.append(Buffer.from("hello "));
  expect(existsSync(target)).toBe(false);
  await first.leave();
  expect(partialSize(target)).toBe(6);
  const second = await claimed(target);
  expect(second.size).toBe(6);
  await second.append(Buffer.from("world"));
  expect(await second.finish(target)).toBe(true);
  expect(readFileSync(target, "utf8")).toBe("hello world");
  expect(readdirSync(join(target, ".."))).toEqual(["blob"]);
});

test("only one at a time", async () => {
  const target = newTarget();
  const first = await claimed(target);
  expect(await PartialFile.claim(target)).toBeUndefined();
  await first.leave();
  await (await claimed(target)).discard();
  const both = await Promise.all([PartialFile.claim(target), PartialFile.claim(target)]);
  expect(both.filter(Boolean).length).toBeLessThanOrEqual(1);
});

test("what a killed process left is taken over, the largest of several", async () => {
  const target = newTarget();
  writeFileSync(`${target}.${endedProcess()}-0123abcd.incomplete`, "12345");
  writeFileSync(`${target}.${endedProcess()}-0123abce.incomplete`, "123");
  const partial = await claimed(target);
  expect(partial.size).toBe(5);
  await partial.discard();
  expect(readdirSync(join(target, ".."))).toEqual([]);
});

test("a process that runs keeps its file until it has not touched it for a minute", async () => {
  const target = newTarget();
  const path = `${target}.${process.ppid}-0123abcd.incomplete`;
  writeFileSync(path, "12345");
  expect(await PartialFile.claim(target)).toBeUndefined();
  const before = Date.now() / 1000 - 90;
  utimesSync(path, before, before);
  const partial = await claimed(target);
  expect(partial.size).toBe(5);
  await partial.discard();
});

test("a file with the id of this process that it does not write is of an earlier one", async () => {
  const target = newTarget();
  writeFileSync(`${target}.${process.pid}-0123abcd.incomplete`, "12345");
  const partial = await claimed(target);
  expect(partial.size).toBe(5);
  await partial.discard();
});

test("files of Python's tools are left alone", async () => {
  const target = newTarget();
  for (const name of [".incomplete", ".0123abcd.incomplete"]) writeFileSync(`${target}${name}`, "12345");
  const partial = await claimed(target);
  expect(partial.size).toBe(0);
  await partial.discard();
  expect(readdirSync(join(target, ".."))).toHaveLength(2);
});
