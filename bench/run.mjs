// Races Cygnet with its rivals on this machine. Every run is a process of its own, and the sides take turns.
//   npm run bench -- [--only TEXT] [--rounds N] [--patience N] [--quick] [--write]
// --only TEXT   only tasks whose name contains one of these: small/train/4x512, generate,rows; without it all of qwen3-0.6b
// --rounds N    runs of each task on each side (3)
// --patience N  seconds that all waiting for a quiet machine and all repeating of disturbed runs may take (600)
// --quick       without mlx-lm as shipped, which takes minutes
// --write       puts the tables into bench/README.md
// CYGNET_BENCH_TORCH, CYGNET_BENCH_LLAMA, CYGNET_BENCH_PYTHON name the rivals: see bench/README.md.
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare } from "./compare.mjs";
import { factsOf } from "./facts.mjs";
import { goalsTable } from "./goals.mjs";
import { measure, quiet } from "./measure.mjs";
import { prepare } from "./prepare.mjs";
import { productSpecs, productsTable } from "./products.mjs";
import { findSides } from "./sides.mjs";
import { memoryTable, speedTables } from "./tables.mjs";
import { checks, specFor, tasks } from "./tasks.mjs";

/** Seconds that one run may take, and from which on a side that no goal names is not run again. */
const limitOf = ({ kind }) => (kind === "serve" ? 1200 : 600);
const long = 30;
/** The share of the processor that other programs may take, and how often a run is taken again when they took more. */
const busyShare = 0.1;
const retries = 2;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    patience: { type: "string", default: "600" },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

const only = flags.only?.split(",");
const chosen = tasks.filter(({ id, model }) => only?.some((text) => id.includes(text)) ?? model === "qwen3-0.6b");
if (chosen.length === 0) fail(`--only ${flags.only} matches none of: ${tasks.map(({ id }) => id).join(", ")}`);
const { sides, notes } = findSides(flags);
for (const note of notes) tell(note);
let patience = Number(flags.patience);
const loadAtStart = loadavg()[0];

const models = [...new Set(chosen.map(({ model }) => model))];
if (chosen.some(({ spec }) => !["products", "serve"].includes(spec.kind))) await check("small");
for (const model of models) prepare(model, sidesFor(model), tell);

const measured = [];
const products = Object.fromEntries(models.map((model) => [model, []]));
for (const task of chosen) {
  if (task.spec.kind === "products") products[task.model] = await raceProducts(task);
  else measured.push(await race(task));
}

const report = `${models.flatMap(sectionsOf).join("\n\n")}\n\n${factsOf(allRuns(), flags.rounds, loadAtStart)}\n`;
process.stdout.write(report);
if (flags.write) writeReport(report);

/** Ends the program unless all sides compute the same losses and greedy tokens. */
async function check(model) {
  const able = sides.filter(({ name }) => !name.startsWith("llama"));
  prepare(model, able, tell);
  for (const { id, spec } of checks(model)) {
    const results = {};
    for (const side of able.filter(({ kinds }) => kinds.includes(spec.kind))) {
      results[side.name] = await measure(side, spec, side.place(model, spec.kind), limitOf(spec));
    }
    requireSame(id, results);
  }
  tell(`${model}: same losses and greedy tokens on ${able.map(({ title }) => title).join(", ")}`);
}

/** All runs of a task, by side. */
async function race(task) {
  const racing = sides.filter(({ name, kinds }) => kinds.includes(task.spec.kind) && !task.without?.test(name));
  const runs = Object.fromEntries(racing.map(({ name }) => [name, []]));
  const done = new Set();
  for (let round = 1; round <= Number(flags.rounds); round++) {
    for (const side of racing.filter(({ name }) => !done.has(name))) {
      const place = side.place(task.model, task.spec.kind);
      const result = await undisturbed(`${task.id}, round ${round}`, side, specFor(side, task), place);
      if (result) runs[side.name].push(result);
      if (!result || (!side.main && result.wallSeconds > long)) done.add(side.name);
    }
    requireSame(task.id, Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, list.at(-1)])));
  }
  return { task, runs };
}

/** The machine's limits and Cygnet's products, round by round. */
async function raceProducts({ id, model }) {
  const results = [];
  for (let round = 1; round <= Number(flags.rounds); round++) {
    for (const { side, spec } of productSpecs(model, sides)) {
      const result = await undisturbed(`${id}, round ${round}`, side, spec, {});
      if (result) results.push({ ...result, title: side.title });
    }
  }
  return results;
}

/** A measurement during which other programs took little of the processor, or the least disturbed of some. */
async function undisturbed(what, side, spec, place) {
  let best;
  for (let attempt = 0; attempt <= retries; attempt++) {
    if (patience > 0) patience -= await quiet(busyShare, { atMost: Math.min(patience, 60) });
    const result = await measure(side, spec, place, limitOf(spec));
    if (!result) {
      tell(`${what}, ${side.title}: over ${limitOf(spec)} s`);
      return best;
    }
    const others = result.others > busyShare ? `, other programs took ${Math.round(100 * result.others)} %` : "";
    tell(`${what}, ${side.title}: ${result.wallSeconds.toFixed(0)} s${others}`);
    if (!best || result.others < best.others) best = result;
    if (!others || patience <= 0) return best;
    patience -= result.wallSeconds;
  }
  return best;
}

function requireSame(what, results) {
  const difference = compare(results);
  if (difference) fail(`${what}: ${difference}`);
}

function sidesFor(model) {
  return sides.filter(({ kinds }) => chosen.some((task) => task.model === model && kinds.includes(task.spec.kind)));
}

function sectionsOf(model) {
  const here = measured.filter(({ task }) => task.model === model);
  const sections = [];
  if (here.length > 0) {
    for (const { title, table } of speedTables(sides, here)) {
      sections.push(`**${model}: ${title}**, median (least–most)\n\n${table}`);
    }
    sections.push(`**${model}: peak memory in GB**, in brackets without the libraries\n\n${memoryTable(sides, here)}`);
  }
  if (products[model].length > 0) {
    const title = `**${model}: products of 1, 128 and 512 rows**, share of the machine's limit`;
    sections.push(`${title}\n\n${productsTable(model, products[model])}`);
  }
  const goals = goalsTable(model, sides, here, products[model]);
  if (goals) sections.push(`**${model}: goals**\n\n${goals}`);
  return sections;
}

function allRuns() {
  return [...measured.flatMap(({ runs }) => Object.values(runs).flat()), ...Object.values(products).flat()];
}

function writeReport(text) {
  const path = join(import.meta.dirname, "README.md");
  const [before, rest] = readFileSync(path, "utf8").split("<!-- table -->\n");
  const after = rest.split("<!-- end of table -->\n")[1];
  writeFileSync(path, `${before}<!-- table -->\n${text}<!-- end of table -->\n${after}`);
}

function tell(text) {
  process.stderr.write(`bench: ${text}\n`);
}

function fail(text) {
  tell(text);
  process.exit(1);
}
