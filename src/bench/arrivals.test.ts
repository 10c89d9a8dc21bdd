import { expect, test } from "vitest";
import { poissonArrivals } from "./arrivals.ts";
import { RandomNumbers } from "./random-numbers.ts";

test("arrivals keep the planned rate, and their gaps are exponential", () => {
  const times = poissonArrivals(20_000, 50, new RandomNumbers(1));
  expect(times[0]).toBe(0);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  expect(gaps.every((gap) => gap >= 0)).toBe(true);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  expect(mean / 20).toBeCloseTo(1, 2);
  expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  expect(gaps.filter((gap) => gap > mean).length / gaps.length).toBeCloseTo(Math.exp(-1), 1);
});

test("a seed gives the same arrivals again, another seed others", () => {
  const arrivals = (seed: number) => poissonArrivals(50, 10, new RandomNumbers(seed));
  expect(arrivals(3)).toEqual(arrivals(3));
  expect(arrivals(3)).not.toEqual(arrivals(4));
});

test("random numbers fill their range evenly", () => {
  const random = new RandomNumbers(2 ** 40 + 7);
  const seen = Array.from({ length: 50_000 }, () => random.below(10));
  for (let digit = 0; digit < 10; digit++) {
    expect(seen.filter((each) => each === digit).length / 5000).toBeCloseTo(1, 0);
  }
});
