/** Random choices that a seed repeats. */
export interface Random {
  chance(probability: number): boolean;
  /** Both ends included. */
  integer(from: number, to: number): number;
  pick<T>(values: readonly T[]): T;
  /** Different ones, in any order. */
  some<T>(values: readonly T[], count: number): T[];
}

/** Marsaglia 2003, "Xorshift RNGs". */
export function randomFrom(seed: number): Random {
  let state = seed | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const integer = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  const pick = <T>(values: readonly T[]): T => {
    const value = values[integer(0, values.length - 1)];
    if (value === undefined) throw new Error("there is something to pick");
    return value;
  };
  return {
    chance: (probability) => next() < probability,
    integer,
    pick,
    some(values, count) {
      const left = [...values];
      return Array.from({ length: Math.min(count, left.length) }, () =>
        left.splice(integer(0, left.length - 1), 1),
      ).flat();
    },
  };
}
