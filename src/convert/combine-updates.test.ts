import { expect, test } from "vitest";
import { tensor } from "../core/ops.ts";
import { combineUpdates, type MergeMethod } from "./combine-updates.ts";

function combined(updates: readonly [values: readonly number[], weight: number][], method: MergeMethod, density = 1) {
  const weighted = updates.map(([values, weight]) => ({ update: tensor(Float32Array.from(values)), weight }));
  return combineUpdates(weighted, method, density).toArray();
}

test("linear: the weighted sum", () => {
  expect(
    combined(
      [
        [[1, -2, 0], 2],
        [[4, 4, 4], 0.5],
      ],
      "linear",
    ),
  ).toEqual([4, -2, 2]);
});

test("ties keeps the largest, lets the heavier sign win and takes the mean of those that have it", () => {
  const first = [5, -1, 3, 0.1];
  const second = [3, 4, -2, 0.2];
  // All kept: 5 and 3 agree; 4 outweighs -1; 3 outweighs -2; 0.1 and 0.2 agree.
  expect(
    combined(
      [
        [first, 1],
        [second, 1],
      ],
      "ties",
    ),
  ).toEqual([4, 4, 3, expect.closeTo(0.15)]);
  // Half kept: 5, 3 of the first, 3, 4 of the second.
  expect(
    combined(
      [
        [first, 1],
        [second, 1],
      ],
      "ties",
      0.5,
    ),
  ).toEqual([4, 4, 3, 0]);
  // A weight can turn a vote, and a negative one the sign.
  expect(
    combined(
      [
        [[1, 1], 1],
        [[-2, 2], 3],
      ],
      "ties",
    ),
  ).toEqual([-6, 3.5]);
  expect(combined([[[2, 1], -1]], "ties", 0.5).map((each) => each + 0)).toEqual([-2, 0]);
});
