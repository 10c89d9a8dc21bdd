// Runs one task of one side in a process of its own.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readThrough } from "./page-cache.mjs";

const root = resolve(import.meta.dirname, "..");

/** A server is started and driven by one program for all sides; all else each side computes in a program of its own. */
const serving = { program: process.execPath, script: resolve(import.meta.dirname, "tasks/serve.mjs"), env: {} };

/**
 * Resolves to what was measured, to `spec`, `wallSeconds`, and `others`, the share of the processor that other programs took; or to
 * undefined when it took longer than `limit` seconds. Rejects when it failed.
 */
export async function measure(side, spec, place, limit) {
  if (spec.kind === "load" || spec.kind === "convert") readThrough(place.model ?? place.source);
  const before = busySeconds();
  const start = performance.now();
  const result = await run(side, { ...spec, ...place }, limit);
  if (!result) return undefined;
  const seconds = (performance.now() - start) / 1000;
  const busy = busySeconds() - before - (result.cpuSeconds ?? Number.NaN);
  const others = Number.isNaN(busy) ? undefined : Math.max(0, busy / seconds / cpus().length);
  return { ...result, spec, others, wallSeconds: seconds };
}

/** Resolves when other programs take less than `share` of the processor, or after `atMost` seconds, to the seconds waited. */
export async function quiet(share, { atMost }) {
  const start = performance.now();
  const waited = () => (performance.now() - start) / 1000;
  while (waited() < atMost) {
    const before = busySeconds();
    await sleep(Math.min(1, atMost) * 1000);
    if ((busySeconds() - before) / cpus().length < share) break;
  }
  return waited();
}

/** Seconds that all processors have worked since the machine started, or that the host of a virtual machine took from it. */
function busySeconds() {
  const each = cpus().map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq);
  return each.reduce((sum, milliseconds) => sum + milliseconds, 0) / 1000 + stolenSeconds();
}

function stolenSeconds() {
  if (!existsSync("/proc/stat")) return 0;
  const [, , , , , , , , steal] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0].split(/\s+/);
  return Number(steal) / 100;
}

function run(side, task, limit) {
  return new Promise((done, fail) => {
    const { program, script, env } = task.kind === "serve" ? serving : side;
    const child = spawn(program, [script, JSON.stringify({ ...task, startedAt: Date.now() })], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let late = false;
    const alarm = setTimeout(() => {
      late = true;
      child.kill("SIGTERM");
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
