// One measurement of llama.cpp by its own llama-bench: the task is the JSON of the first argument, the result one line of
// JSON, as with ours.mjs. llama-bench draws its own token ids and tells no tokens, so only times can be compared.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const { llamaBench, model, prompt, tokens, repeats } = JSON.parse(process.argv[2]);
const options = { m: model, p: prompt.length, n: tokens, r: repeats, t: availableParallelism(), o: "json" };
const child = spawn(
  llamaBench,
  Object.entries(options).flatMap(([name, value]) => [`-${name}`, `${value}`]),
  { stdio: ["ignore", "pipe", "inherit"] },
);
process.on("SIGTERM", () => child.kill("SIGKILL"));

// The last look before its end stands for all: neither number ever falls.
let seen = {};
const watch = setInterval(() => (seen = look(child.pid) ?? seen), 20);
let printed = "";
child.stdout.on("data", (text) => (printed += text));
child.on("close", (status, signal) => {
  clearInterval(watch);
  if (status !== 0) {
    process.stderr.write(`llama-bench ended with ${signal ?? `status ${status}`}\n`);
    process.exitCode = 1;
    return;
  }
  const tests = JSON.parse(printed);
  const secondsOf = (test) => test.samples_ns.map((nanoseconds) => nanoseconds / 1e9);
  const result = {
    prefill: tests.filter((test) => test.n_prompt > 0).flatMap(secondsOf),
    decode: tests.filter((test) => test.n_gen > 0).flatMap(secondsOf),
    llamaCpp: tests[0].build_commit,
  };
  process.stdout.write(`${JSON.stringify({ ...result, ...seen })}\n`);
});

/** The most bytes that a process held, and seconds of processor time; undefined where there is no /proc. */
function look(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const [utime, stime] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13);
    const peakRss = Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) * 1024;
    return { peakRss, cpuSeconds: (Number(utime) + Number(stime)) / 100 };
  } catch {
    return undefined;
  }
}
