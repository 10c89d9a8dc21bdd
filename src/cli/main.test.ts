import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { setLanguage } from "../protocol/language.ts";
import { main } from "./main.ts";

let out = "";
let err = "";

beforeEach(() => {
  out = "";
  err = "";
  vi.stubEnv("LC_ALL", "C");
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  setLanguage("en");
});

test("help lists the commands on standard output", async () => {
  expect(await main(["--help"])).toBe(0);
  expect(out).toContain("doctor");
  expect(err).toBe("");
});

test("an unknown command ends with status 2 and names the nearest one", async () => {
  expect(await main(["docter"])).toBe(2);
  expect(err).toContain("Did you mean doctor?");
  expect(out).toBe("");
});

test("messages follow LC_ALL, and --lang comes before it", async () => {
  vi.stubEnv("LC_ALL", "zh_CN.UTF-8");
  expect(await main(["docter"])).toBe(2);
  expect(err).toContain("没有名为“docter”的命令");
  expect(await main(["--lang", "en", "docter"])).toBe(2);
  expect(err).toContain("There is no command");
  expect(await main(["doctor", "--lang", "fr"])).toBe(2);
  expect(err).toContain("--lang 的值为“fr”");
});

test("doctor --json prints one object with what a report needs", async () => {
  await main(["doctor", "--json"]);
  const facts: unknown = JSON.parse(out);
  expect(facts).toMatchObject({ system: {}, node: process.versions.node, cpu: {}, memory: {}, mlx: {} });
});

test("data convert fills placeholders, reports on standard output and does not replace data unasked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-convert-"));
  const rows = ["zh", "en"].map((tag) => ({ query: `${tag}?`, response: "{{NAME}}, {{AUTHOR}}", tag }));
  writeFileSync(join(folder, "in.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const line = ["data", "convert", join(folder, "in.jsonl"), "--output", join(folder, "out"), "--name", "小鹅"];
  expect(await main([...line, "--author", "团队", "--json"])).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ rows_made: 2, left_out: [] });
  expect(await main([...line, "--author", "团队"])).toBe(2);
  expect(err).toContain("--force");
});

test("a group's name alone lists its commands", async () => {
  expect(await main(["data"])).toBe(0);
  expect(out).toContain("convert");
  expect(out).not.toContain("doctor");
});
