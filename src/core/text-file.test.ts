import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

test("two processes that write one file at a time leave it whole, whichever comes last", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-text-file-"));
  try {
    const path = join(folder, "facts.json");
    const source = `
      import { writeTextFile } from ${JSON.stringify(new URL("../../dist/core/text-file.js", import.meta.url).href)};
      for (let i = 0; i < 200; i++) writeTextFile(process.argv[1], process.argv[2].repeat(5000));`;
    const write = (letter: string) => run(process.execPath, ["--input-type=module", "-e", source, path, letter]);
    await Promise.all([write("a"), write("b")]);
    expect(readFileSync(path, "utf8")).toMatch(/^(a{5000}|b{5000})$/);
    expect(readdirSync(folder)).toEqual(["facts.json"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
