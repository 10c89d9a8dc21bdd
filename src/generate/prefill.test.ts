import { describe, expect, test } from "vitest";
import { onEachPath } from "../../test/decoding/decoding-models.ts";
import { toyModel } from "../../test/toys.ts";
import { setDefaultDevice } from "../core/device.ts";
import { liveTensors } from "../core/memory.ts";
import type { Cache } from "../models/cache.ts";
import { type PrefillOptions, type PromptProgress, prefill } from "./prefill.ts";

setDefaultDevice("cpu"); // a GPU computes so few tokens at once
const model = toyModel("qwen3", { num_hidden_layers: 4 });
const prompt = Array.from({ length: 50 }, (_, i) => (i * i + 3) % 24);

async function hidden(cache: Cache[], options: Partial<PrefillOptions> = {}, ids = prompt): Promise<number[]> {
  const last = await prefill(model, ids, cache, { stepSize: 20, ...options });
  const values = last?.toArray() ?? [];
  last?.dispose();
  return values;
}

/** Aborts once so many blocks have been computed. */
function abortedAfter(blocks: number): Partial<PrefillOptions> {
  const controller = new AbortController();
  let told = 0;
  return {
    signal: controller.signal,
    onProgress: () => {
      if (++told === blocks) controller.abort();
    },
  };
}

const offsets = (cache: readonly Cache[]) => cache.map(({ offset }) => offset);

onEachPath(() => {
  describe("prefill", () => {
    test("tells how far it is, several times in a part, up to the last token", async () => {
      const told: PromptProgress[] = [];
      const cache = model.makeCache();
      await hidden(cache, { stepSize: 32, onProgress: (progress) => told.push(progress) });
      expect(told).toEqual([8, 16, 24, 32, 36, 41, 45, 50].map((tokens) => ({ tokens, total: 50 })));
      for (const layer of cache) layer.dispose();
    });

    test.each([1, 2, 4, 5, 7, 8])(
      "stopped after %i blocks, the cache has whole parts and goes on from there",
      async (blocks) => {
        const before = liveTensors();
        const cache = model.makeCache();
        expect(await hidden(cache, abortedAfter(blocks))).toEqual([]);
        const whole = Math.floor(blocks / 4) * 20;
        expect(offsets(cache)).toEqual(cache.map(() => whole));
        const found = await hidden(cache, {}, prompt.slice(whole));
        const fresh = model.makeCache();
        expect(found).toEqual(await hidden(fresh));
        for (const layer of [...cache, ...fresh]) layer.dispose();
        expect(liveTensors()).toBeLessThanOrEqual(before);
      },
    );

    test("a bounded cache that has overwritten tokens is empty when it is stopped, and can be used again", async () => {
      const cache = model.makeCache({ maxSize: 16 });
      await hidden(cache);
      expect(await hidden(cache, abortedAfter(2))).toEqual([]);
      expect(offsets(cache)).toEqual(cache.map(() => 0));
      const fresh = model.makeCache({ maxSize: 16 });
      expect(await hidden(cache)).toEqual(await hidden(fresh));
      for (const layer of [...cache, ...fresh]) layer.dispose();
    });
  });
});
