// Fetches llama.cpp, as node-llama-cpp carries it, for the tests of GGUF files: 85 MB into .native/node-llama-cpp.
// It is no devDependency: npm would take every build of it along, CUDA's and Vulkan's too (725 MB), or compile it.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const version = "3.22.1";
const builds = { "linux-x64": "linux-x64", "linux-arm64": "linux-arm64", "darwin-arm64": "mac-arm64-metal" };
const build = builds[`${process.platform}-${process.arch}`];
if (!build) {
  console.error(
    `There is no build for ${process.platform}-${process.arch}; there are ${Object.keys(builds).join(", ")}.`,
  );
  process.exit(2);
}
const folder = resolve(import.meta.dirname, "../.native/node-llama-cpp");
mkdirSync(folder, { recursive: true });
writeFileSync(resolve(folder, "package.json"), '{ "private": true }\n');
const packages = [`node-llama-cpp@${version}`, `@node-llama-cpp/${build}@${version}`];
const flags = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--save-exact"];
const { status } = spawnSync("npm", ["install", ...flags, ...packages], { cwd: folder, stdio: "inherit" });
process.exit(status ?? 1);
