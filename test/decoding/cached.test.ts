import { describe, expect, test } from "vitest";
import type { LanguageModel } from "../../src/models/language-model.ts";
import { loadModel } from "../../src/models/load.ts";
import { RotatingKVCache } from "../../src/models/rotating-cache.ts";
import { relativeDifference } from "../parity/fixtures.ts";
import { onEachModel, onEachPath, someIds, tiny } from "./decoding-models.ts";
import { fullForward, inParts, maskedForward, singles } from "./logits.ts";

/** float32: the same sums in another order, which a few layers carry on; 1.4e-6 was seen. */
const exact = 1e-5;
/** bfloat16 keeps 8 bits, 4e-3, and one row is rounded at other places than many; 1e-2 was seen. */
const half = 3e-2;

const total = 40;
const splits = [singles(total), [13, 1, 1, 20, 1, 4], [1, 39]];

/** Logits over fresh caches of at most `maxSize` tokens, of which `keep` are the first. */
function rotated(model: LanguageModel, sizes: readonly number[], maxSize: number, keep: number): number[] {
  const cache = model.blocks.map(() => new RotatingKVCache({ maxSize, keep }));
  const logits = inParts(model, someIds(model, total), sizes, cache);
  for (const layer of cache) layer.dispose();
  return logits;
}

onEachModel((model) => {
  test("cached decoding equals the full forward", () => {
    const ids = someIds(model, total);
    const expected = fullForward(model, ids);
    for (const sizes of splits) {
      const cache = model.makeCache();
      expect(relativeDifference(inParts(model, ids, sizes, cache), expected), `${sizes}`).toBeLessThan(exact);
      for (const layer of cache) layer.dispose();
    }
  });

  test.each([
    [12, 4],
    [12, 0],
    [9, 8],
    [40, 4],
  ])(
    "a cache of %i tokens, the first %i kept, equals the full forward under that mask, in whatever parts",
    (size, keep) => {
      const sees = (i: number, j: number) => j <= i && (j < keep || j > i - (size - keep));
      const expected = maskedForward(model, someIds(model, total), sees);
      for (const sizes of [...splits, [5, 9, 1, 1, 17, 3, 1, 1, 2], [40]]) {
        expect(relativeDifference(rotated(model, sizes, size, keep), expected), `${sizes}`).toBeLessThan(exact);
      }
    },
  );
});

onEachPath(() => {
  test("the embedded model in bfloat16", () => {
    const model = loadModel(tiny, { dtype: "bfloat16" });
    const ids = someIds(model, total);
    const expected = fullForward(model, ids);
    for (const sizes of splits) {
      const cache = model.makeCache();
      expect(relativeDifference(inParts(model, ids, sizes, cache), expected), `${sizes}`).toBeLessThan(half);
      for (const layer of cache) layer.dispose();
    }
    model.dispose();
  });
});

describe("what these tests would miss", () => {
  onEachModel((model) => {
    test("a mask that is off by one token is seen", () => {
      const ids = someIds(model, total);
      const expected = maskedForward(model, ids, (i, j) => j <= i && (j < 4 || j > i - 8));
      const off = maskedForward(model, ids, (i, j) => j <= i && (j < 4 || j > i - 9));
      expect(relativeDifference(off, expected)).toBeGreaterThan(1000 * exact);
    });
  });
});
