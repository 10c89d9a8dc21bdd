import { expect, test } from "vitest";
import { z } from "zod";
import { read } from "../../test/parity/fixtures.ts";
import { MersenneTwister } from "./mersenne-twister.ts";

const Case = z.object({
  seed: z.int(),
  sizes: z.array(z.int()),
  permutations: z.array(z.array(z.int())),
});

test.each(read("permutations.json", z.array(Case)))(
  "permutations of seed $seed, sizes $sizes, are NumPy's, drawn in turn",
  ({ seed, sizes, permutations }) => {
    const random = new MersenneTwister(seed);
    expect(sizes.map((size) => random.permutation(size))).toEqual(permutations);
  },
);

test("integer is uniform from 0 to max, both included", () => {
  const random = new MersenneTwister(4);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 50_000; i++) {
    const drawn = random.integer(4);
    counts[drawn] = (counts[drawn] ?? 0) + 1;
  }
  // 10,000 each, within five standard deviations.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(450);
  expect(new MersenneTwister(1).integer(0)).toBe(0);
  expect(new MersenneTwister(1).integer(0xffffffff)).toBe(new MersenneTwister(1).uint32());
});

test("permutations of nothing and of one draw nothing", () => {
  const [a, b] = [new MersenneTwister(9), new MersenneTwister(9)];
  expect([a.permutation(0), a.permutation(1)]).toEqual([[], [0]]);
  expect(a.uint32()).toBe(b.uint32());
});
