// The tables of throughput and memory: one row for each side, one column for each task.
import { markdown, median, spread } from "./markdown.mjs";
import { manyRows } from "./tasks.mjs";

const GB = 1e9;

/** What the runs of a task say in tokens a second: a title and, for one side's runs, the values. */
const speeds = {
  train: ({ title }) => [
    { title, values: ({ seconds, spec }) => seconds.map((s) => (spec.batch.length * (spec.batch[0].length - 1)) / s) },
  ],
  generate: ({ spec }) => [
    { title: `prefill ${spec.prompt.length}`, values: (run) => run.prefill.map((s) => run.spec.prompt.length / s) },
    { title: `decode ${spec.tokens}`, values: (run) => run.decode.map((s) => run.spec.tokens / s) },
  ],
  rows: () => [
    { title: "decode, short prompt", values: (run) => run.one.map((s) => run.spec.tokens / s) },
    {
      title: `decode, ${manyRows} rows at once`,
      values: (run) => run.many.map((s) => (run.spec.prompts.length * run.spec.tokens) / s),
    },
  ],
};

/** Columns of one model: title, and for a side's name all its values. */
export function speedColumns(measured) {
  return measured.flatMap(({ task, runs }) =>
    speeds[task.spec.kind](task).map(({ title, values }) => ({
      title,
      of: (side) => (runs[side] ?? []).flatMap(values),
    })),
  );
}

export function memoryColumns(measured) {
  return measured.map(({ task, runs }) => ({
    title: task.title,
    of: (side) => (runs[side] ?? []).map(({ peakRss }) => peakRss / GB),
    beyondImports: (side) =>
      (runs[side] ?? []).filter((run) => run.importedRss).map((run) => (run.peakRss - run.importedRss) / GB),
  }));
}

export function speedTable(sides, measured) {
  return tableOf(sides, speedColumns(measured), (column, side) => spread(column.of(side)));
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
