// Starts one side's server, loads it with `cygnet bench serve` and stops it: the task is the JSON of the first argument, the
// result one line of JSON. All sides are driven by this program with the same flags.
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ProcessTree } from "./process-tree.mjs";

const task = JSON.parse(process.argv[2]);
const cygnet = resolve(import.meta.dirname, "../../bin/cygnet.mjs");
const startLimit = 300_000;
const stopLimit = 10_000;
const keptOutput = 4000;

const started = [];
process.on("SIGTERM", () => {
  for (const child of started) child.kill("SIGKILL");
  process.exit(143);
});

const port = await freePort();
const server = await startServer(task.server, port);
const tree = new ProcessTree(server.pid);
const levels = await load(task, port);
const { peakRss } = tree;
await stop(server);
process.stdout.write(`${JSON.stringify({ levels, peakRss, cpuSeconds: tree.cpuSeconds, ...facts(task) })}\n`);

/** Resolves when the server says that it can answer. */
async function startServer({ program, parameters, env }, port) {
  const child = start(program, [...parameters, "--port", `${port}`], env);
  const until = performance.now() + startLimit;
  while (performance.now() < until && child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) return child;
    await sleep(100);
  }
  throw new Error(`${program} did not start:\n${child.said}`);
}

/** The figures of each level. `default_model` is the one that Cygnet and mlx-lm were started with; llama.cpp has only one. */
async function load({ levels, promptTokens, tokens, tokenizer }, port) {
  const child = start(process.execPath, [
    ...[cygnet, "bench", "serve", "--json", "--lang", "en", "--url", `http://127.0.0.1:${port}/v1/completions`],
    ...["--model", "default_model", "--tokenizer-path", tokenizer, "--temperature", "0"],
    ...["--parallel", ...levels.map(({ clients }) => `${clients}`)],
    ...["--number", ...levels.map(({ requests }) => `${requests}`)],
    ...["--min-prompt-length", `${promptTokens}`, "--max-prompt-length", `${promptTokens}`],
    ...["--max-tokens", `${tokens}`, "--min-tokens", `${tokens}`, "--extra-args", '{"ignore_eos": true}'],
    ...["--total-timeout", "1200"],
  ]);
  const status = await new Promise((done) => child.on("close", done));
  if (status !== 0) throw new Error(`cygnet bench serve ended with status ${status}:\n${child.said}`);
  const result = JSON.parse(child.printed);
  for (const level of result.levels) requireExact(level, tokens);
  return result.levels;
}

/** Requests may fail, but answers must have the lengths that are compared. */
function requireExact({ parallel, succeeded, completion_tokens, other_prompt_lengths }, tokens) {
  if (completion_tokens === succeeded * tokens && other_prompt_lengths === 0) return;
  throw new Error(
    `${parallel} clients: ${completion_tokens} tokens in ${succeeded} answers of ${tokens}, ${other_prompt_lengths} other prompts`,
  );
}

/** A child with all that it printed, and the end of what it said beside that. */
function start(program, parameters, env = {}) {
  const child = spawn(program, parameters, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  child.on("error", (error) => (child.said += error.message));
  child.printed = "";
  child.said = "";
  child.stdout.on("data", (text) => (child.printed += text));
  child.stderr.on("data", (text) => (child.said = `${child.said}${text}`.slice(-keptOutput)));
  return child;
}

async function stop(child) {
  const ended = new Promise((done) => child.on("close", done));
  child.kill("SIGTERM");
  const alarm = setTimeout(() => child.kill("SIGKILL"), stopLimit);
  await ended;
  clearTimeout(alarm);
}

function freePort() {
  return new Promise((done) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      listener.close(() => done(port));
    });
  });
}

/** Versions, as the side's own program tells them. */
function facts({ server: { facts: program, env }, programs }) {
  const [command, script] = program;
  const asked = JSON.stringify({ kind: "facts", programs });
  const { stdout } = spawnSync(command, [script, asked], { encoding: "utf8", env: { ...process.env, ...env } });
  const { mlx, mlxLm, python, blas, llamaCpp } = JSON.parse(stdout);
  return { mlx, mlxLm, python, blas, llamaCpp };
}
