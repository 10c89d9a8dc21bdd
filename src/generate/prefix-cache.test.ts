import { expect, test } from "vitest";
import { toyModel } from "../../test/toys.ts";
import { liveTensors } from "../core/memory.ts";
import { PagedCache } from "../models/paged-cache.ts";
import { BatchScheduler, type SchedulerOptions } from "./batch-scheduler.ts";
import { PrefixCache } from "./prefix-cache.ts";
import { greedy } from "./sampler.ts";

const size = PagedCache.pageSize;
const numbered = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);

/** A cache with the pages of one text in it, which the text has let go. */
function withText(cache: PagedCache, prefixes: PrefixCache, key: string, tokens: readonly number[]): number[] {
  const pages = Array.from({ length: PagedCache.pagesFor(tokens.length) }, () => cache.take());
  prefixes.add(key, tokens, pages);
  for (const page of pages) cache.release(page);
  return pages;
}

test("a text finds its longest known beginning, short of its last token", () => {
  const cache = new PagedCache(1, 20);
  const prefixes = new PrefixCache(cache);
  const tokens = numbered(2 * size + 10);
  const [first, second, third] = withText(cache, prefixes, "", tokens);
  expect(prefixes.find("", [...tokens, 7])).toEqual({ pages: [first, second], tail: { page: third, count: 10 } });
  expect(prefixes.find("", tokens)).toEqual({ pages: [first, second], tail: { page: third, count: 9 } });
  expect(prefixes.find("", tokens.slice(0, size))).toEqual({ pages: [], tail: { page: first, count: size - 1 } });
  expect(prefixes.find("", [...tokens.slice(0, size + 3), 9, 9])).toEqual({
    pages: [first],
    tail: { page: second, count: 3 },
  });
  expect(prefixes.find("", [5, 6])).toEqual({ pages: [] });
  expect(prefixes.find("tuned", [...tokens, 7])).toEqual({ pages: [] });
});

test("what texts share is kept once, and a longer text takes the place of its beginning", () => {
  const cache = new PagedCache(1, 20);
  const prefixes = new PrefixCache(cache);
  withText(cache, prefixes, "", numbered(size + 10));
  withText(cache, prefixes, "", numbered(size + 20));
  expect(prefixes.pages).toBe(2);
  withText(cache, prefixes, "", [...numbered(size), 1, 2, 3]);
  withText(cache, prefixes, "", numbered(size + 5));
  expect(prefixes.pages).toBe(3);
  expect(cache.freePages).toBe(17);
  expect(prefixes.find("", numbered(size + 30)).tail?.count).toBe(20);
  withText(cache, prefixes, "tuned", numbered(size));
  prefixes.forget("");
  expect([prefixes.pages, cache.freePages]).toEqual([1, 19]);
});

test("the page that was not used for longest goes first, and none that a text has", () => {
  const cache = new PagedCache(1, 20);
  const prefixes = new PrefixCache(cache);
  withText(cache, prefixes, "", numbered(size + 1));
  withText(cache, prefixes, "", numbered(4, 1000));
  const used = prefixes.find("", numbered(size + 2));
  const page = used.pages[0] ?? -1;
  cache.share(page);
  expect(prefixes.evictablePages).toBe(2);
  expect([prefixes.evict(), prefixes.find("", numbered(6, 1000)).tail]).toEqual([true, undefined]);
  expect([prefixes.evict(), prefixes.evict(), prefixes.pages]).toEqual([true, false, 1]);
});

test("a page before one that a text has goes too, when no other can", () => {
  const cache = new PagedCache(1, 20);
  const prefixes = new PrefixCache(cache);
  withText(cache, prefixes, "", numbered(size));
  const own = [cache.take(), cache.take()]; // the same beginning, computed again by a text that goes on
  prefixes.add("", numbered(size + 1), own);
  expect([prefixes.pages, prefixes.evictablePages]).toEqual([2, 1]);
  expect([prefixes.evict(), prefixes.evict(), prefixes.pages, cache.freePages]).toEqual([true, false, 0, 18]);
});

const model = toyModel("qwen3", { num_hidden_layers: 2, vocab_size: 50 });
const text = (count: number, seed: number): number[] =>
  numbered(count).map((i) => (i * 7 + seed * 11 + ((i * i) % 13)) % 50);

/** The answers to prompts that come one after the other, or all at once. */
async function answers(
  prompts: readonly { prompt: readonly number[]; adapter?: string }[],
  { atOnce = false, ...options }: Partial<SchedulerOptions> & { atOnce?: boolean } = {},
): Promise<{ found: number[][]; cachedTokens: number }> {
  const scheduler = new BatchScheduler(model, { maxPages: 40, ...options });
  const found = new Map<number, number[]>();
  for (const each of prompts) {
    found.set(scheduler.add({ sampling: greedy, maxTokens: 8, seed: 0, ...each }), []);
    while (!atOnce && !scheduler.isIdle)
      for (const token of await scheduler.step()) found.get(token.text)?.push(token.id);
  }
  while (!scheduler.isIdle) for (const token of await scheduler.step()) found.get(token.text)?.push(token.id);
  scheduler.dispose();
  return { found: [...found.values()], cachedTokens: scheduler.counts.cachedTokens };
}

test("answers are the same with known beginnings as without, also when pages run out", async () => {
  const common = text(size + 40, 1);
  const prompts = [
    { prompt: common },
    { prompt: common },
    { prompt: [...common, 3, 4, 5] },
    { prompt: [...common.slice(0, size), 9, 9, 9] },
    { prompt: text(2 * size, 2) },
    { prompt: [...common.slice(0, 60), 1, 2] },
    { prompt: common, adapter: "other" },
  ];
  const before = liveTensors();
  const plain = await answers(prompts, { maxPrefixPages: 0 });
  expect(plain.cachedTokens).toBe(0);
  const known = await answers(prompts);
  expect(known.found).toEqual(plain.found);
  // The second text knows all but its last token, the third the first with its answer …
  expect(known.cachedTokens).toBe(size + 39 + (size + 40) + size + 60);
  expect((await answers(prompts, { maxPages: 3 })).found).toEqual(plain.found);
  expect((await answers(prompts, { atOnce: true })).found).toEqual(plain.found);
  expect(liveTensors()).toBe(before);
});
