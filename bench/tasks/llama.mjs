// One measurement of llama.cpp by its own programs: the task is the JSON of the first argument, the result one line of
// JSON, as with ours.mjs. They draw their own token ids and tell no tokens, so only times can be compared.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

const { programs, ...task } = JSON.parse(process.argv[2]);
const threads = availableParallelism();
const measured = await { generate, rows, load, convert, facts }[task.kind](task);
process.stdout.write(`${JSON.stringify(measured)}\n`);

/** Seconds for a prompt, and seconds for tokens without one. */
async function generate({ model, prompt, tokens, repeats }) {
  const options = flags({ m: model, p: prompt.length, n: tokens, r: repeats, t: threads, o: "json" });
  const { printed, seen } = await run("llama-bench", options);
  const tests = JSON.parse(printed);
  const secondsOf = (test) => test.samples_ns.map((nanoseconds) => nanoseconds / 1e9);
  return {
    prefill: tests.filter((test) => test.n_prompt > 0).flatMap(secondsOf),
    decode: tests.filter((test) => test.n_gen > 0).flatMap(secondsOf),
    llamaCpp: tests[0].build_commit,
    ...seen,
  };
}

/** Seconds for the first of some prompts, then for more, together, and for the tokens after them. */
async function rows({ model, prompts, counts, tokens }) {
  const [{ length }] = prompts;
  const context = Math.max(...counts) * (length + tokens);
  const options = flags({ m: model, c: context, npp: length, ntg: tokens, npl: counts, t: threads });
  const { printed, seen } = await run("llama-batched-bench", [...options, "--output-format", "jsonl"]);
  const lines = printed.split("\n").filter((text) => text.startsWith("{"));
  const batches = lines.map((text) => {
    const { pl, t_pp, t_tg } = JSON.parse(text);
    return { rows: pl, prefill: t_pp, decode: t_tg };
  });
  return { batches, ...seen };
}

/** Seconds from the start of llama-bench to the result of one token. It maps the file, so that loading is a part of that. */
async function load({ model, prompt }) {
  const options = flags({ m: model, p: prompt.length, n: 0, r: 1, t: threads, o: "json" });
  const { printed, secondsTo, seen } = await run("llama-bench", [...options, "--no-warmup"]);
  return { first: secondsTo("samples_ns"), llamaCpp: JSON.parse(printed)[0].build_commit, ...seen };
}

/** Seconds to write a packed copy of a model, and the bytes of its source. */
async function convert({ source, target, type }) {
  mkdirSync(dirname(target), { recursive: true });
  const { seconds, seen } = await run("llama-quantize", [source, target, type, `${threads}`]);
  rmSync(target);
  return { seconds: [seconds], bytes: statSync(source).size, ...seen };
}

/** Of the server, where nothing else of llama.cpp ran. */
async function facts() {
  const { stdout, stderr } = spawnSync(join(programs, "llama-server"), ["--version"], { encoding: "utf8" });
  return { llamaCpp: /commit ([0-9a-f]+)/.exec(stdout + stderr)?.[1] };
}

function flags(options) {
  return Object.entries(options).flatMap(([name, value]) => [`-${name}`, `${value}`]);
}

/**
 * Runs a program to its end: what it printed, the seconds that it took and those until it had printed a text, and what was
 * seen of its memory and processor time.
 */
function run(program, parameters) {
  const start = performance.now();
  const child = spawn(join(programs, program), parameters, { stdio: ["ignore", "pipe", "pipe"] });
  process.on("SIGTERM", () => child.kill("SIGKILL"));
  // The last look before its end stands for all: neither number ever falls.
  let seen = {};
  const watch = setInterval(() => (seen = look(child.pid) ?? seen), 20);
  const secondsSince = () => (performance.now() - start) / 1000;
  const outputs = [];
  let told = "";
  child.stdout.on("data", (text) =>
    outputs.push({ printed: (outputs.at(-1)?.printed ?? "") + text, at: secondsSince() }),
  );
  child.stderr.on("data", (text) => (told += text));
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (status, signal) => {
      clearInterval(watch);
      if (status !== 0) fail(new Error(`${program} ended with ${signal ?? `status ${status}`}:\n${told}`));
      const secondsTo = (text) => outputs.find(({ printed }) => printed.includes(text)).at;
      done({ printed: outputs.at(-1)?.printed ?? "", seconds: secondsSince(), secondsTo, seen });
    });
  });
}

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
