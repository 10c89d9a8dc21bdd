// The tables of speed and memory: one row for each side, one column for each task.
import { markdown, median, spread } from "./markdown.mjs";

const GB = 1e9;
const MB = 1e6;

/** Tables of speeds, and what they are of; `part`: those columns of a task that are of that part. */
const tables = [
  { title: "tokens a second", kinds: ["train", "generate"] },
  { title: "prompts together, tokens a second of all", kinds: ["rows"] },
  { title: "a server, output tokens a second to all clients", kinds: ["serve"], part: "throughput" },
  { title: "a server, seconds to the first token", kinds: ["serve"], part: "first token" },
  { title: "loading and converting", kinds: ["load", "convert"] },
];

/** What the runs of a task say: a title and, for one side's runs, the values. */
const speeds = {
  train: ({ title }) => [
    { title, values: ({ seconds, spec }) => seconds.map((s) => (spec.batch.length * (spec.batch[0].length - 1)) / s) },
  ],
  generate: ({ spec }) => [
    { title: `prefill ${spec.prompt.length}`, values: (run) => run.prefill.map((s) => run.spec.prompt.length / s) },
    { title: `decode ${spec.tokens}`, values: (run) => run.decode.map((s) => run.spec.tokens / s) },
  ],
  rows: ({ spec }) => [
    ...spec.counts.map((count) => ({
      title: `prefill ${count} × ${spec.prompts[0].length}`,
      values: (run) => batchesOf(run, count).map(({ prefill }) => (count * run.spec.prompts[0].length) / prefill),
    })),
    ...spec.counts.map((count) => ({
      title: `decode, ${count} ${count === 1 ? "row" : "rows"}`,
      values: (run) => batchesOf(run, count).map(({ decode }) => (count * run.spec.tokens) / decode),
    })),
  ],
  serve: ({ spec }) => [
    ...spec.levels.map(({ clients }) => ({
      title: clientsOf(clients),
      part: "throughput",
      values: (run) => levelsOf(run, clients).map((level) => level.output_tokens_per_second),
    })),
    { title: "answered, %", part: "throughput", values: (run) => [100 * answered(run)] },
    ...["mean", "p95"].flatMap((figure) =>
      spec.levels.map(({ clients }) => ({
        title: `${clientsOf(clients)}, ${figure}`,
        part: "first token",
        values: (run) => levelsOf(run, clients).flatMap(({ ttft_ms }) => (ttft_ms ? [ttft_ms[figure] / 1000] : [])),
      })),
    ),
  ],
  load: () => [
    { title: "load, s", values: ({ load }) => (load === undefined ? [] : [load]) },
    { title: "start to first token, s", values: ({ first }) => [first] },
  ],
  convert: () => [
    { title: "convert from bf16, MB/s", values: ({ seconds, bytes }) => seconds.map((s) => bytes / MB / s) },
  ],
};

function batchesOf({ batches }, count) {
  return batches.filter(({ rows }) => rows === count);
}

function clientsOf(count) {
  return `${count} ${count === 1 ? "client" : "clients"}`;
}

function levelsOf({ levels }, clients) {
  return levels.filter(({ parallel }) => parallel === clients);
}

/** The share of all requests. */
function answered({ levels }) {
  const sum = (field) => levels.reduce((total, level) => total + level[field], 0);
  return sum("succeeded") / sum("requests");
}

/** Columns of one model: title, and for a side's name all its values. */
export function speedColumns(measured) {
  return measured.flatMap(({ task, runs }) =>
    speeds[task.spec.kind](task).map(({ title, part, values }) => ({
      title,
      part,
      of: (side) => (runs[side] ?? []).flatMap(values),
    })),
  );
}

export function memoryColumns(measured) {
  return measured.map(({ task, runs }) => ({
    title: task.title,
    of: (side) => (runs[side] ?? []).flatMap(({ peakRss }) => (peakRss ? [peakRss / GB] : [])),
    beyondImports: (side) =>
      (runs[side] ?? []).filter((run) => run.importedRss).map((run) => (run.peakRss - run.importedRss) / GB),
  }));
}

/** A title and a table for each group of tasks that ran. */
export function speedTables(sides, measured) {
  const groups = tables.map(({ title, kinds, part }) => ({
    title,
    columns: speedColumns(measured.filter(({ task }) => kinds.includes(task.spec.kind))).filter(
      (column) => column.part === part,
    ),
  }));
  return groups
    .filter(({ columns }) => columns.length > 0)
    .map(({ title, columns }) => ({
      title,
      table: tableOf(sides, columns, (column, side) => spread(column.of(side))),
    }));
}

/** The most that the process held, and in brackets what of it came after its libraries were loaded. */
export function memoryTable(sides, measured) {
  return tableOf(sides, memoryColumns(measured), (column, side) => {
    const [whole, beyond] = [column.of(side), column.beyondImports(side)];
    if (whole.length === 0) return "–";
    return beyond.length > 0 ? `${median(whole).toFixed(2)} (${median(beyond).toFixed(2)})` : median(whole).toFixed(2);
  });
}

function tableOf(sides, columns, cell) {
  const rows = sides.map(({ name, title }) => [title, ...columns.map((column) => cell(column, name))]);
  const header = ["", ...columns.map(({ title }) => title)];
  return markdown([header, ...rows.filter((row) => row.slice(1).some((text) => text !== "–"))]);
}
