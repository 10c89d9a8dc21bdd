import { expect, test } from "vitest";
import { linearScale, loadScale, logScale } from "./scale.ts";

test("a linear axis goes from 0 to a round number above the values", () => {
  const { ticks, at } = linearScale([3, 947]);
  expect(ticks).toEqual([0, 200, 400, 600, 800, 1000]);
  expect(at(500)).toBe(0.5);
  expect(linearScale([]).ticks.at(-1)).toBe(1);
});

test("a logarithmic axis has ticks at 1, 2 and 5 around the values, and at powers of ten where they spread far", () => {
  expect(logScale([3, 80]).ticks).toEqual([2, 5, 10, 20, 50, 100]);
  expect(logScale([0.02, 900]).ticks).toEqual([0.01, 0.1, 1, 10, 100, 1000]);
  expect(logScale([1, 100]).at(10)).toBeCloseTo(0.5, 12);
  expect(logScale([1, 100]).at(0)).toBe(0);
});

test("loads that grow by factors lie evenly, others by their size", () => {
  const grown = loadScale([100, 1, 10]);
  expect(grown.ticks).toEqual([1, 10, 100]);
  expect(grown.at(10)).toBeCloseTo(0.5, 12);
  expect(loadScale([1, 2, 3]).at(2)).toBeCloseTo(0.5, 12);
  expect(loadScale([4]).at(4)).toBeCloseTo(0.04, 12);
});
