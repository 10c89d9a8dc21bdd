// Builds the addon with sanitizers and runs the tests of the CPU kernels with it: `node scripts/sanitize.mjs [address] [thread]`,
// both by default; what follows `--` goes to Vitest in place of the usual test files. Linux with g++; `npm run setup` comes first.
// Status 1 when a test fails or a sanitizer reports anything.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { findBuildTools, findCompiler } from "./setup/machine.mjs";
import { SetupError } from "./setup/messages.mjs";
import { output, run } from "./setup/processes.mjs";

const root = resolve(import.meta.dirname, "..");
const usualTests = [
  ...["src/core", "src/native", "src/optim", "src/generate"],
  ...["src/models/cached-attention.test.ts", "src/models/paged-cache.test.ts", "src/models/decoder-block.test.ts"],
  "src/tuner/quantized-curve.test.ts",
];

/** What -fsanitize takes, the library that must be in the process before the addon, its settings, and what a report looks like. */
const sanitizers = {
  address: {
    flags: "address,undefined",
    library: "libasan.so",
    // Node frees little at its end.
    environment: { ASAN_OPTIONS: "detect_leaks=0", UBSAN_OPTIONS: "print_stacktrace=1" },
    options: [],
    report: /ERROR: AddressSanitizer|runtime error:/,
  },
  thread: {
    flags: "thread",
    library: "libtsan.so",
    // Node, libmlx and OpenBLAS are not instrumented: their locks count, their accesses cannot be judged.
    environment: { TSAN_OPTIONS: "ignore_noninstrumented_modules=1 exitcode=0" },
    // MLX's compile does not find its compiler in an environment that preloads this library.
    options: ["--exclude", "src/core/transforms.test.ts"],
    report: /WARNING: ThreadSanitizer|FATAL: ThreadSanitizer/,
  },
};

/** The addon, in a folder of its own beside the usual one. */
function build(name, compiler) {
  const folder = join(".native", name);
  const tools = findBuildTools();
  if (!tools) throw new Error("cmake 3.20 or newer with ninja or make is needed");
  const configure = [
    ...["-S", join(root, "native"), "-B", join(root, folder, "build"), "-G", tools.generator],
    ...[`-DCMAKE_CXX_COMPILER=${compiler}`, `-DSANITIZER=${sanitizers[name].flags}`, `-DOUTPUT=${folder}`],
    `-DMLX_ROOT=${join(root, ".native/mlx/mlx")}`,
    `-DOPENBLAS_ROOT=${join(root, ".native/openblas/scipy_openblas32")}`,
    `-DNODE_API_HEADERS=${join(root, "node_modules/node-api-headers/include")}`,
  ];
  run(tools.cmake, configure, "addon-failed");
  const status = spawnSync(tools.cmake, ["--build", join(root, folder, "build"), "--parallel", "2"], {
    stdio: "inherit",
  }).status;
  if (status !== 0) throw new Error(`the build in ${folder} failed`);
  return join(root, folder, "cygnet.node");
}

/** Runs the tests; resolves to whether all passed without a report. Its output goes on to standard error. */
function test(name, addon, compiler, files) {
  const { library, environment, options, report } = sanitizers[name];
  const preload = output(compiler, [`-print-file-name=${library}`])?.trim();
  if (!preload || !existsSync(preload)) throw new Error(`${compiler} has no ${library}`);
  const vitest = [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--maxWorkers=1",
    "--testTimeout=600000",
    ...options,
    ...files,
  ];
  // ThreadSanitizer's memory map has no room for randomly placed libraries.
  const command = ["setarch", ["-R", process.execPath, ...vitest]];
  const env = { ...process.env, ...environment, LD_PRELOAD: preload, CYGNET_ADDON: addon };
  return new Promise((resolved) => {
    const child = spawn(...command, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        printed += text;
        process.stderr.write(text);
      });
    }
    child.on("close", (status) => resolved(status === 0 && !report.test(printed)));
  });
}

async function main() {
  const [own, files] = splitArguments(process.argv.slice(2));
  const unknown = own.find((name) => !(name in sanitizers));
  if (unknown) throw new Error(`"${unknown}" is no sanitizer; possible are ${Object.keys(sanitizers).join(" and ")}`);
  const compiler = findCompiler();
  let clean = true;
  for (const name of own.length > 0 ? own : Object.keys(sanitizers)) {
    const passed = await test(name, build(name, compiler), compiler, files);
    process.stderr.write(`${name}: ${passed ? "clean" : "failures or reports, see above"}\n`);
    clean &&= passed;
  }
  process.exitCode = clean ? 0 : 1;
}

function splitArguments(given) {
  const at = given.indexOf("--");
  return at < 0 ? [given, usualTests] : [given.slice(0, at), given.slice(at + 1)];
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.status;
}
