/** Where a value lies on an axis, and which values are written beside it. */
export interface Scale {
  /** 0 at the start of the axis, 1 at its end. */
  at(value: number): number;
  ticks: readonly number[];
}

/** An axis from 0 to a round number above the values. */
export function linearScale(values: Iterable<number>, wantedTicks = 5): Scale {
  const max = Math.max(...values, 0) || 1;
  const step = roundAbove(max / wantedTicks);
  const count = Math.ceil(max / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { at: (value) => value / (count * step), ticks };
}

/** An axis on which each factor takes the same room, with ticks at 1, 2 and 5, or powers of ten where these are many. */
export function logScale(values: Iterable<number>): Scale {
  const positive = [...values].filter((value) => value > 0);
  const [min, max] = [Math.min(...positive), Math.max(...positive)];
  const steps = max / min > 300 ? [1] : [1, 2, 5];
  const candidates: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
    for (const step of steps) candidates.push(Number((step * 10 ** power).toPrecision(12)));
  }
  const start = candidates.filter((tick) => tick <= min).at(-1) ?? min;
  const end = candidates.find((tick) => tick >= max && tick > start) ?? max;
  const span = Math.log(end / start);
  return {
    at: (value) => (value > 0 ? Math.max(0, Math.log(value / start) / span) : 0),
    ticks: candidates.filter((tick) => tick >= start && tick <= end),
  };
}

/** An axis with a tick at each of a few loads, evenly where they grow by factors. */
export function loadScale(loads: readonly number[]): Scale {
  const ticks = [...new Set(loads)].sort((a, b) => a - b);
  const [min = 1, max = 1] = [ticks[0], ticks.at(-1)];
  const place = max / min >= 8 ? Math.log : (value: number) => value;
  const span = place(max) - place(min) || 1;
  return { at: (value) => 0.04 + (0.92 * (place(value) - place(min))) / span, ticks };
}

/** 1, 2 or 5 times a power of ten. */
function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= value * (1 - 1e-9)) ?? 10;
  return step * power;
}
