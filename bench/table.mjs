// Turns measurements into rows of numbers, and rows into a Markdown table.

const GB = 1e9;

/** Quantities of a task from all its runs on one side: values, unit, and whether more is better. */
function quantities({ spec, title }, runs) {
  const all = (name) => runs.flatMap((run) => run[name]);
  const memory = [
    { name: "peak memory (MLX)", unit: "GB", values: runs.map((run) => run.peakMemory / GB) },
    { name: "peak memory (process)", unit: "GB", values: runs.map((run) => run.peakRss / GB) },
  ];
  if (spec.kind === "train") {
    const tokens = spec.batch.length * (spec.batch[0].length - 1);
    return [
      { name: title, unit: "s", values: all("seconds"), isSpeed: true },
      { name: title, unit: "tokens/s", values: all("seconds").map((s) => tokens / s), isSpeed: true },
      ...memory,
    ];
  }
  const decoded = runs.flatMap((run) => run.decode.map((seconds) => (run.ids.length - 1) / seconds));
  return [
    {
      name: `prefill, ${spec.prompt.length}`,
      unit: "tokens/s",
      values: all("prefill").map((s) => spec.prompt.length / s),
      isSpeed: true,
    },
    { name: `decode, ${spec.tokens}`, unit: "tokens/s", values: decoded, isSpeed: true },
    ...memory,
  ];
}

/** The table of all tasks: one row for each quantity, one column for each side, then Cygnet's ratio to the others. */
export function table(sides, measured) {
  const others = sides.filter((side) => side.name !== "ours");
  const header = [
    ...["model", "task", "unit"],
    ...sides.map((side) => side.title),
    ...others.map((side) => `against ${side.title}`),
  ];
  const rows = measured.flatMap(({ task, runs }) => {
    const bySide = sides.map((side) => (runs[side.name]?.length ? quantities(task, runs[side.name]) : undefined));
    const [ours = []] = bySide;
    return ours.map((mine, i) => [
      ...[task.model, mine.name, mine.unit],
      ...bySide.map((found) => (found ? spread(found[i].values) : "–")),
      ...bySide.slice(1).map((found) => (found ? ratio(mine, found[i]) : "–")),
    ]);
  });
  return markdown([header, ...rows]);
}

/** 1.23 (1.20–1.30): the median, least and most. */
function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = digits(median(sorted));
  const [least, most] = [digits(sorted[0]), digits(sorted.at(-1))];
  return least === most ? middle : `${middle} (${least}–${most})`;
}

/** How many times faster, or what fraction of the memory. */
function ratio(mine, theirs) {
  const [a, b] = [median(mine.values), median(theirs.values)];
  if (!mine.isSpeed) return (a / b).toFixed(2);
  return `${digits(mine.unit === "s" ? b / a : a / b)}×`;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three significant digits. */
function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function markdown([header, ...rows]) {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}
