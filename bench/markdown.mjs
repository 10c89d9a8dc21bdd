// Numbers and tables as text.

export function markdown([header, ...rows]) {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

/** 1.23 (1.20–1.30): the median, least and most; a dash for no values. */
export function spread(values) {
  if (values.length === 0) return "–";
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)].map(digits);
  return least === most ? middle : `${middle} (${least}–${most})`;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three significant digits. */
export function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
