/** A number with three digits that matter, and thousands set apart: `0.00412`, `4.12`, `412`, `41,200`. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  if (size === 0) return "0";
  return value.toLocaleString("en-US", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** `0.31 ms`, `12.3 ms`, `412 ms`, or `12.3 s` from ten seconds on. */
export function timeText(milliseconds: number): string {
  if (milliseconds >= 10_000) return `${numberText(milliseconds / 1000)} s`;
  if (milliseconds >= 100) return `${numberText(milliseconds)} ms`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`;
}

/** `+12 %`, or `±0 %` below half a percent. */
export function changeText(before: number, after: number): string {
  if (before === 0) return "–";
  const percent = (100 * (after - before)) / before;
  const digits = Math.abs(percent) < 10 ? percent.toFixed(1) : percent.toFixed(0);
  return `${percent > 0 ? "+" : ""}${digits.replace("-", "−")} %`;
}
