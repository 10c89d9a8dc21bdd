/** One measured loss. */
export interface LossPoint {
  iteration: number;
  loss: number;
}

const bars = " ▁▂▃▄▅▆▇█";
const validationMark = "●";

/**
 * The training loss as an area of block characters, with the validation losses as dots over it. Losses that are not
 * finite are left out. Empty when there is nothing to compare.
 */
export function lossPlot(
  train: readonly LossPoint[],
  validation: readonly LossPoint[],
  width = 60,
  height = 8,
): string {
  const finite = (points: readonly LossPoint[]) => points.filter(({ loss }) => Number.isFinite(loss));
  const trained = finite(train);
  const validated = finite(validation);
  if (trained.length < 2) return "";
  const all = [...trained, ...validated];
  const low = Math.min(...all.map(({ loss }) => loss));
  const high = Math.max(...all.map(({ loss }) => loss));
  const end = Math.max(...all.map(({ iteration }) => iteration));
  const begin = Math.min(...all.map(({ iteration }) => iteration));
  const columns = Math.min(width, Math.max(trained.length, 20));
  const columnOf = (iteration: number) => Math.round(((iteration - begin) / Math.max(1, end - begin)) * (columns - 1));
  /** Height in rows, between a half and the whole plot, so that the lowest loss still shows. */
  const rowsOf = (loss: number) => 0.5 + ((loss - low) / (high - low || 1)) * (height - 0.5);

  const heights = fillGaps(meansByColumn(trained, columns, columnOf)).map((loss) => rowsOf(loss));
  const grid = Array.from({ length: height }, (_, row) =>
    heights.map((rows) => bars[Math.round(Math.min(1, Math.max(0, rows - (height - 1 - row))) * 8)] ?? " "),
  );
  for (const { iteration, loss } of validated) {
    const line = grid[Math.min(height - 1, Math.max(0, height - Math.ceil(rowsOf(loss))))];
    if (line) line[columnOf(iteration)] = validationMark;
  }
  return frame(grid, { low, high, begin, end });
}

/** Mean loss of the points that fall into each column; NaN where none does. */
function meansByColumn(
  points: readonly LossPoint[],
  columns: number,
  columnOf: (iteration: number) => number,
): number[] {
  const sums = Array.from({ length: columns }, () => ({ sum: 0, count: 0 }));
  for (const { iteration, loss } of points) {
    const cell = sums[columnOf(iteration)];
    if (!cell) continue;
    cell.sum += loss;
    cell.count++;
  }
  return sums.map(({ sum, count }) => sum / count);
}

/** Columns without a point take the value of the nearest one to the left, or of the first point. */
function fillGaps(values: readonly number[]): number[] {
  let last = values.find((value) => !Number.isNaN(value)) ?? 0;
  return values.map((value) => {
    if (!Number.isNaN(value)) last = value;
    return last;
  });
}

function frame(grid: string[][], limits: { low: number; high: number; begin: number; end: number }): string {
  const labels = [limits.high.toFixed(3), limits.low.toFixed(3)];
  const margin = Math.max(...labels.map((label) => label.length));
  const lines = grid.map((line, row) => {
    const label = row === 0 ? labels[0] : row === grid.length - 1 ? labels[1] : "";
    return `${(label ?? "").padStart(margin)} ┤${line.join("")}`;
  });
  const [first, last] = [String(limits.begin), String(limits.end)];
  const width = grid[0]?.length ?? 0;
  const axis = first + last.padStart(Math.max(1, width - first.length));
  return `${lines.join("\n")}\n${" ".repeat(margin + 2)}${axis}\n`;
}
