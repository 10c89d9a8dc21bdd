// Brings a checkout into working order: npm packages, libmlx and OpenBLAS from their wheels, the addon, dist/.
// Plain Node without dependencies, because it runs before any package is there. A second run with nothing changed
// compares hashes only. Everything it fetches or builds lies in node_modules/, .native/ and dist/.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join, relative, resolve } from "node:path";
import { checkPlatform, findBuildTools, findCompiler, mlxVariant } from "./setup/machine.mjs";
import { SetupError, say } from "./setup/messages.mjs";
import { findInstaller, npm, run, wheel } from "./setup/processes.mjs";

const root = resolve(import.meta.dirname, "..");
const native = join(root, ".native");
const stampFile = join(native, "setup.json");
const stamp = readJson(stampFile) ?? {};

const MLX_VERSION = "0.32.4";
const OPENBLAS = "scipy-openblas32==0.3.34.481.3";

/** Each step's `state` is what its result was made from; it runs when that differs from the last run's, or `result` is gone. */
function steps() {
  const variant = mlxVariant();
  const mlx = `mlx-${variant}==${MLX_VERSION}`;
  const openblas = process.platform === "linux" ? OPENBLAS : "none";
  const list = [
    {
      name: "libmlx",
      label: mlx,
      state: `${mlx} ${process.platform} ${process.arch}`,
      result: join(native, "mlx/mlx/include/mlx/mlx.h"),
      // The CUDA wheels get NVIDIA's libraries from wheels that they name; the others need nothing.
      run: () => fetchWheel("mlx", mlx, { dependencies: variant.startsWith("cuda") }),
    },
    {
      name: "openblas",
      label: openblas,
      state: openblas,
      result: join(native, "openblas/scipy_openblas32/lib"),
      run: () => fetchWheel("openblas", openblas, { dependencies: false }),
    },
    {
      name: "addon",
      label: "native/",
      state: hashFiles(["native"], `${mlx} ${openblas}`),
      result: join(native, "cygnet.node"),
      run: () => buildAddon(`${mlx} ${openblas}`),
    },
    {
      name: "dist",
      label: "src/ → dist/",
      state: hashFiles(["src", "tsconfig.json", "tsconfig.build.json", "package-lock.json"], ""),
      result: join(root, "dist/cli/main.js"),
      run: buildTypeScript,
    },
  ];
  return list.filter((step) => step.state !== "none");
}

function main() {
  if (!nodeIsRecent()) throw new SetupError("node", { found: process.versions.node });
  if (!packagesMatchLock()) {
    timed("npm", "package-lock.json", () =>
      npm(root, ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]),
    );
  }
  const due = steps().filter((step) => stamp[step.name] !== step.state || !existsSync(step.result));
  if (due.some((step) => step.name !== "dist")) checkPlatform();
  if (due.some((step) => step.name === "addon")) findCompiler();
  if (due.some((step) => step.name === "libmlx" || step.name === "openblas")) findInstaller();
  for (const step of due) {
    delete stamp[step.name];
    timed(step.name, step.label, step.run);
    stamp[step.name] = step.state;
    writeStamp();
  }
}

/** Runs one step and tells it on one line, with the time it took. */
function timed(name, label, work) {
  const started = performance.now();
  process.stderr.write(`setup: ${say(`step-${name}`, {})} (${label}) … `);
  try {
    work();
  } catch (error) {
    process.stderr.write("\n");
    throw error;
  }
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

function nodeIsRecent() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}

/** Whether node_modules holds what package-lock.json asks for; npm leaves its own list of what it installed. */
function packagesMatchLock() {
  const installed = readJson(join(root, "node_modules/.package-lock.json"))?.packages;
  const wanted = readJson(join(root, "package-lock.json"))?.packages ?? {};
  if (!installed) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const found = installed[path];
    return path === "" || (found ? found.version === version : optional === true);
  });
}

/** Unpacks a wheel into `.native/<name>`: first beside it, then renamed, so that a stopped run leaves no half folder. */
function fetchWheel(name, requirement, { dependencies }) {
  const folder = join(native, name);
  const partial = join(native, `${name}.${process.pid}.partial`);
  mkdirSync(native, { recursive: true });
  try {
    wheel([requirement], partial, { dependencies });
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** `libraries` names what the addon is linked to: a build folder made for others is not reused. */
function buildAddon(libraries) {
  const build = join(native, "build");
  const compiler = findCompiler();
  const tools = findBuildTools() ?? fetchBuildTools();
  const toolchain = [root, compiler, tools.cmake, tools.generator, libraries].join("\n");
  if (stamp.toolchain !== toolchain) rmSync(build, { recursive: true, force: true });
  const configure = [
    ...["-S", join(root, "native"), "-B", build, "-G", tools.generator],
    "-DCMAKE_BUILD_TYPE=Release",
    `-DCMAKE_CXX_COMPILER=${compiler}`,
    `-DMLX_ROOT=${join(native, "mlx/mlx")}`,
    `-DNODE_API_HEADERS=${join(root, "node_modules/node-api-headers/include")}`,
  ];
  if (tools.ninja) configure.push(`-DCMAKE_MAKE_PROGRAM=${tools.ninja}`);
  if (process.platform === "linux") configure.push(`-DOPENBLAS_ROOT=${join(native, "openblas/scipy_openblas32")}`);
  run(tools.cmake, configure, "addon-failed");
  stamp.toolchain = toolchain;
  // MLX's headers take about 1 GB for each compiler process.
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 1.2e9)));
  run(tools.cmake, ["--build", build, "--parallel", String(jobs)], "addon-failed");
}

/** cmake and ninja from their wheels, for machines that have a compiler only. */
function fetchBuildTools() {
  const folder = join(native, "tools");
  const tools = { cmake: join(folder, "cmake/data/bin/cmake"), ninja: join(folder, "bin/ninja"), generator: "Ninja" };
  if (!existsSync(tools.cmake) || !existsSync(tools.ninja)) {
    rmSync(folder, { recursive: true, force: true });
    wheel(["cmake==4.4.4", "ninja==1.13.2"], folder, { dependencies: false });
  }
  return tools;
}

function buildTypeScript() {
  const partial = join(root, `dist.${process.pid}.partial`);
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  try {
    run(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", partial], "typescript-failed", { cwd: root });
    rmSync(join(root, "dist"), { recursive: true, force: true });
    renameSync(partial, join(root, "dist"));
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** One hash over names and contents of `paths` (test files apart) and `salt`. */
function hashFiles(paths, salt) {
  const hash = createHash("sha256").update(salt);
  const files = paths.flatMap((path) => listFiles(join(root, path))).filter((file) => !file.endsWith(".test.ts"));
  for (const file of files.sort()) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

function listFiles(path) {
  if (!existsSync(path)) return [];
  try {
    const entries = readdirSync(path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    throw error;
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // absent or half written: the step simply runs again
  }
}

function writeStamp() {
  mkdirSync(native, { recursive: true });
  writeFileSync(`${stampFile}.partial`, `${JSON.stringify(stamp, null, 2)}\n`);
  renameSync(`${stampFile}.partial`, stampFile);
}

try {
  main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.status;
}
