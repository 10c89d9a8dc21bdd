// Races Cygnet with Python mlx-lm on this machine. Every run is a process of its own, and the sides take turns.
//   npm run bench -- [--only TEXT] [--rounds N] [--quick] [--write]
// --only TEXT   only tasks whose name (model/train/1x128, model/generate) contains it
// --rounds N    runs of each task on each side (3)
// --quick       without mlx-lm as shipped, which takes minutes
// --write       puts the table into bench/README.md
// CYGNET_BENCH_PYTHON names a Python with mlx-lm, CYGNET_BENCH_OPENBLAS an OpenBLAS for it.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { isWritten } from "./models.mjs";
import { findSides, measure } from "./sides.mjs";
import { table } from "./table.mjs";
import { briefly, checks, tasks } from "./tasks.mjs";

/** Seconds that one run may take, and from which on it is not repeated. */
const limit = 600;
const long = 60;
const tolerance = 1e-4;

const root = resolve(import.meta.dirname, "..");
const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

const chosen = tasks.filter((task) => task.id.includes(flags.only));
if (chosen.length === 0) fail(`--only ${flags.only} matches none of: ${tasks.map((task) => task.id).join(", ")}`);
const { sides, notes } = findSides(flags);
for (const note of notes) tell(note);

const busy = loadavg()[0];
if (busy > 0.5) tell(`the machine is not idle (load ${busy.toFixed(1)}): these times are not worth quoting`);

for (const model of new Set(chosen.map((task) => task.model))) {
  if (!isWritten(model)) writeModel(model);
  await check(model);
}
const measured = [];
for (const task of chosen) measured.push(await race(task));

const report = `${table(sides, measured)}\n\n${facts()}\n`;
process.stdout.write(report);
if (flags.write) writeReport(report);

/** Ends the program unless all sides compute the same losses and greedy tokens. */
async function check(model) {
  for (const spec of checks(model)) {
    const results = {};
    for (const side of sides) results[side.name] = await measure(side, spec, limit);
    compare(`${model} ${spec.kind}`, results);
  }
  tell(`${model}: same losses and greedy tokens on ${sides.map((side) => side.title).join(", ")}`);
}

/** All runs of a task, by side. */
async function race(task) {
  const runs = Object.fromEntries(sides.map((side) => [side.name, []]));
  const skipped = new Set(task.heavy ? ["shipped"] : []);
  for (let round = 1; round <= Number(flags.rounds); round++) {
    for (const side of sides.filter(({ name }) => !skipped.has(name))) {
      const started = performance.now();
      const result = await measure(side, (side.name === "shipped" ? briefly(task) : task).spec, limit);
      const seconds = (performance.now() - started) / 1000;
      tell(`${task.id}, round ${round}, ${side.title}: ${result ? `${seconds.toFixed(0)} s` : `over ${limit} s`}`);
      if (result) runs[side.name].push(result);
      if (side.name === "shipped" && seconds > long) skipped.add(side.name);
    }
    compare(task.id, Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, list.at(-1)])));
  }
  return { task, runs };
}

/** Losses within the tolerance and tokens equal, as far as all sides went. */
function compare(what, { ours, ...others }) {
  for (const [name, theirs] of Object.entries(others)) {
    if (!theirs) continue;
    const farthest = Math.max(
      0,
      ...(theirs.losses ?? []).map((loss, i) => Math.abs(loss - ours.losses[i]) / Math.abs(loss)),
    );
    const isSame = (theirs.ids ?? []).every((id, i) => id === ours.ids[i]);
    if (farthest <= tolerance && isSame) continue;
    fail(`${what}: Cygnet and mlx-lm (${name}) differ: ${JSON.stringify({ ours, theirs }, undefined, 1)}`);
  }
}

function writeModel(model) {
  tell(`writing ${model} with random weights`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, "models.mjs"), model], {
    stdio: "inherit",
  });
  if (status !== 0) fail(`could not write the model ${model}`);
}

/** Machine, versions and date, for the line below the table. */
function facts() {
  const all = measured.flatMap(({ runs }) => Object.values(runs).flat());
  const one = (name) => all.find((run) => run[name])?.[name];
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const openblas = versionOf(join(root, ".native/openblas"), "scipy_openblas32");
  const list = [
    new Date().toISOString().slice(0, 10),
    `${cpus()[0].model.trim()}, ${cpus().length} threads, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`,
    `Cygnet ${version}, Node ${process.versions.node}, MLX ${one("mlx")}${openblas && `, OpenBLAS ${openblas}`}`,
    one("mlxLm") && `mlx-lm ${one("mlxLm")}, Python ${one("python")}${one("blas") ? `, ${one("blas")}` : ""}`,
    `${flags.rounds} rounds, load at the start ${busy.toFixed(1)}`,
  ];
  return `${list.filter(Boolean).join(" · ")}.`;
}

/** The version of a wheel unpacked in `folder`, empty when it is not there. */
function versionOf(folder, wheel) {
  try {
    const info = readdirSync(folder).find((name) => name.startsWith(`${wheel}-`)) ?? "";
    return /-([\d.]+)\.dist-info$/.exec(info)?.[1] ?? "";
  } catch {
    return "";
  }
}

function writeReport(report) {
  const path = join(import.meta.dirname, "README.md");
  const [before, rest] = readFileSync(path, "utf8").split("<!-- table -->\n");
  const after = rest.split("<!-- end of table -->\n")[1];
  writeFileSync(path, `${before}<!-- table -->\n${report}<!-- end of table -->\n${after}`);
}

function tell(text) {
  process.stderr.write(`bench: ${text}\n`);
}

function fail(text) {
  tell(text);
  process.exit(1);
}
