/** Rows in training and validation, by a shuffle that a seed decides; without one, the first rows are for validation. */
export function splitRows<T>(
  rows: readonly T[],
  options: { validFraction: number; seed: number; shuffle: boolean },
): { train: T[]; valid: T[] } {
  const order = options.shuffle ? shuffled(rows, options.seed) : [...rows];
  // 0.29 · 100 is a little less than 29 in floating point.
  const wanted = Math.floor(rows.length * options.validFraction + 1e-9);
  const count = options.validFraction > 0 && rows.length >= 2 ? Math.min(Math.max(1, wanted), rows.length - 1) : 0;
  return { train: order.slice(count), valid: order.slice(0, count) };
}

/** Fisher and Yates' shuffle. */
function shuffled<T>(rows: readonly T[], seed: number): T[] {
  const random = mulberry32(seed);
  const order = [...rows];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [order[i], order[j]];
    if (a === undefined || b === undefined) continue;
    order[i] = b;
    order[j] = a;
  }
  return order;
}

/** Tommy Ettinger's generator mulberry32: numbers in [0, 1), the same for the same seed on every machine. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
