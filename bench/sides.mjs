// What is raced: Cygnet, and mlx-lm with and without a fast BLAS in its process.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const tasks = join(import.meta.dirname, "tasks");

/** The sides that can run here, and for each that cannot, a sentence on what is missing. */
export function findSides({ quick }) {
  const ours = { name: "ours", title: "Cygnet", program: process.execPath, script: join(tasks, "ours.mjs"), env: {} };
  const python = process.env.CYGNET_BENCH_PYTHON ?? "python3";
  if (spawnSync(python, ["-c", "import mlx_lm"]).status !== 0) {
    const missing = `${python} has no mlx-lm, so Cygnet runs alone. To race it: python3 -m venv .bench/python && .bench/python/bin/pip install "mlx[cpu]==0.32.4" mlx-lm==0.32.2 rich && CYGNET_BENCH_PYTHON=.bench/python/bin/python npm run bench`;
    return { sides: [ours], notes: [missing] };
  }
  const theirs = { program: python, script: join(tasks, "mlx-lm.py") };
  const shipped = { ...theirs, name: "shipped", title: "mlx-lm as shipped", env: {} };
  // Only the Linux wheel carries a slow BLAS.
  if (process.platform !== "linux") return { sides: [ours, shipped], notes: [] };
  const slow = quick ? [] : [shipped];
  const library = findOpenBlas();
  if (!library) {
    const missing =
      "no OpenBLAS for mlx-lm: install libopenblas0-pthread and give its libopenblas.so.0 as CYGNET_BENCH_OPENBLAS";
    return { sides: [ours, ...slow], notes: [missing] };
  }
  // libgfortran lies one folder above, where Debian's packages were unpacked rather than installed.
  const env = { LD_PRELOAD: library, LD_LIBRARY_PATH: dirname(dirname(library)) };
  return { sides: [ours, { ...theirs, name: "openblas", title: "mlx-lm + OpenBLAS", env }, ...slow], notes: [] };
}

/** Debian's OpenBLAS: the one named, the one unpacked before, or one fetched and unpacked now. */
function findOpenBlas() {
  if (process.env.CYGNET_BENCH_OPENBLAS) return process.env.CYGNET_BENCH_OPENBLAS;
  const folder = join(root, ".bench/openblas");
  if (!existsSync(join(folder, "usr"))) unpackOpenBlas(folder);
  const found = readdirSync(folder, { recursive: true }).find((path) => path.endsWith("pthread/libopenblas.so.0"));
  return found && join(folder, found);
}

function unpackOpenBlas(folder) {
  mkdirSync(folder, { recursive: true });
  const packages = ["libopenblas0-pthread", "libgfortran5"];
  spawnSync("apt-get", ["download", ...packages], { cwd: folder });
  for (const file of readdirSync(folder)) spawnSync("dpkg", ["-x", file, "."], { cwd: folder });
}

/**
 * Runs one task in a process of its own. Resolves to what it measured, or to undefined when it took longer than `limit`
 * seconds; rejects when it failed.
 */
export function measure(side, task, limit) {
  return new Promise((done, fail) => {
    const child = spawn(side.program, [side.script, JSON.stringify(task)], {
      cwd: root,
      env: { ...process.env, ...side.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let late = false;
    const alarm = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limit * 1000);
    const printed = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"]) child[stream].on("data", (text) => (printed[stream] += text));
    child.on("error", fail);
    child.on("close", (status) => {
      clearTimeout(alarm);
      if (late) done(undefined);
      else if (status === 0) done(JSON.parse(printed.stdout.trim().split("\n").at(-1)));
      else fail(new Error(`${side.title} failed with status ${status}:\n${printed.stderr}`));
    });
  });
}
