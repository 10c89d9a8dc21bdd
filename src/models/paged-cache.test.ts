import { afterEach, describe, expect, test } from "vitest";
import { onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { toyModel } from "../../test/toys.ts";
import type { Text } from "../core/attention.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { liveTensors } from "../core/memory.ts";
import { integers } from "../core/ops.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import type { LanguageModel } from "./language-model.ts";
import { PagedCache } from "./paged-cache.ts";

afterEach(restoreKernels);

const size = PagedCache.pageSize;

function tokens(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 7 + seed * 13 + ((i * i) % 11)) % 50);
}

/** Hidden states of a whole text at once, without a cache. */
function whole(model: LanguageModel, ids: readonly number[]): number[] {
  const hidden = scope(() => model.hidden(integers(ids, [1, ids.length])));
  const found = hidden.toArray();
  hidden.dispose();
  return found;
}

/** Hidden states of texts that come in the given parts, pass by pass; a part of 0 tokens sits a pass out. */
function inParts(model: LanguageModel, texts: readonly number[][], parts: readonly number[][]): number[][] {
  const cache = new PagedCache(model.blocks.length, 40);
  const found: number[][] = texts.map(() => []);
  const state = texts.map((): Text => ({ count: 0, past: 0, pages: [] }));
  for (const counts of parts) {
    const now = counts.flatMap((count, i) => (count > 0 ? [i] : []));
    const running = now.map((i) => {
      const { past, count, pages } = state[i] ?? { past: 0, count: 0, pages: [] };
      const next = { past: past + count, count: counts[i] ?? 0, pages: [...pages] };
      while (next.pages.length < PagedCache.pagesFor(next.past + next.count)) next.pages.push(cache.take());
      state[i] = next;
      return next;
    });
    const ids = running.flatMap(({ past, count }, k) => texts[now[k] ?? 0]?.slice(past, past + count) ?? []);
    cache.begin(running);
    const hidden = scope(() => model.hidden(integers(ids, [1, ids.length]), cache.layers));
    evaluate(hidden, cache.state);
    const values = hidden.toArray();
    hidden.dispose();
    const width = values.length / ids.length;
    let at = 0;
    for (const [k, { count }] of running.entries()) {
      found[now[k] ?? 0]?.push(...values.slice(at * width, (at + count) * width));
      at += count;
    }
  }
  cache.dispose();
  return found;
}

function check(family: string): void {
  const model = toyModel(family, { num_hidden_layers: 2, vocab_size: 50 });
  const before = liveTensors();
  scope(() => {
    const texts = [tokens(size + 5, 1), tokens(9, 2), tokens(2 * size + 3, 3)];
    const found = inParts(model, texts, [
      [0, 8, size - 1],
      [100, 0, 2],
      [size - 97, 1, size + 1],
      [1, 0, 0],
      [1, 0, 1],
    ]);
    for (const [i, ids] of texts.entries()) {
      const expected = whole(model, ids);
      expect(found[i]).toHaveLength(expected.length);
      for (const [j, value] of expected.entries()) expect(Math.abs((found[i]?.[j] ?? 9) - value)).toBeLessThan(2e-5);
    }
  });
  expect(liveTensors()).toBe(before);
}

describe("texts in pages, long and short together, are what each is whole", () => {
  describe.each(["llama", "qwen3", "mixtral"])("%s", (family) => {
    onEachIsa("kernels", () => test("agree", () => check(family)));
    test("MLX's operations", () => {
      useCpuKernels(false);
      check(family);
    });
  });
});

test("a page is free when the last that has it lets it go", () => {
  const cache = new PagedCache(1, 2);
  const page = cache.take();
  cache.share(page);
  cache.release(page);
  expect(cache.freePages).toBe(1);
  cache.release(page);
  expect(cache.freePages).toBe(2);
  expect([cache.take(), cache.take()].sort()).toEqual([0, 1]);
  expect(() => cache.take()).toThrow("no page is free");
});
