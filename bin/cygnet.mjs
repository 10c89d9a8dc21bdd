#!/usr/bin/env node
import { existsSync } from "node:fs";

const program = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(program)) {
  const { main } = await import(program.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  // The catalogue of messages is part of what is not built yet.
  process.stderr.write("Cygnet is not built yet. Run: npm run setup\nCygnet 尚未构建，请运行：npm run setup\n");
  process.exitCode = 2;
}
