import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  activeMemory,
  cacheIsBounded,
  cacheMemory,
  clearCache,
  limitCache,
  peakMemory,
  resetPeakMemory,
  setCacheLimit,
} from "./memory.ts";
import { full, zeros } from "./ops.ts";
import { keep, scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { evaluate } from "./transforms.ts";

const MiB = 2 ** 20;
const here = cacheIsBounded();
if (!here) console.warn("This build has no allocator of its own: its tests are skipped.");

/** Computed int32 elements that all are `value`. */
function filled(elements: number, value = 1): Tensor {
  const made = keep(scope(() => full([elements], value, "int32").add(0)));
  evaluate(made);
  return made;
}

function resident(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
}

describe.skipIf(!here)("memory of arrays on a CPU", () => {
  beforeEach(clearCache);
  afterEach(() => {
    setCacheLimit(Number.MAX_SAFE_INTEGER);
    clearCache();
  });

  test.each([0, 1, 15, 16, 17, 1000, 4095, 4096, 4097, 100_003, 1 << 20])(
    "%i elements count as their bytes",
    (elements) => {
      const before = activeMemory();
      const made = filled(elements);
      expect(activeMemory() - before).toBe(4 * elements);
      made.dispose();
      expect(activeMemory()).toBe(before);
    },
  );

  test("a freed buffer is kept, used again and returned", () => {
    const size = 64 * MiB;
    const start = resident();
    filled(size / 4).dispose();
    expect(cacheMemory()).toBeGreaterThanOrEqual(size);
    expect(resident() - start).toBeGreaterThan(0.9 * size);
    const again = filled(size / 4);
    expect(cacheMemory()).toBeLessThan(MiB);
    expect(resident() - start).toBeLessThan(1.1 * size);
    again.dispose();
    clearCache();
    expect(cacheMemory()).toBe(0);
    expect(resident() - start).toBeLessThan(0.1 * size);
  });

  test("kept pages are cut and joined: other sizes use them again", () => {
    filled(16 * MiB).dispose();
    const [first, second] = [filled(4 * MiB), filled(6 * MiB)];
    expect(cacheMemory()).toBeLessThan((64 - 40 + 1) * MiB);
    first.dispose();
    second.dispose();
    const start = resident();
    const whole = filled(16 * MiB);
    expect(resident() - start).toBeLessThan(4 * MiB);
    whole.dispose();
  });

  test("used and kept together stay near the most that was used at once", () => {
    resetPeakMemory();
    const alive: Tensor[] = [];
    for (let i = 0; i < 2000; i++) {
      alive.push(filled(5000 + ((i * 7919) % 300_000), i));
      if (alive.length > 20) alive.splice((i * 31) % 20, 1)[0]?.dispose();
      expect(activeMemory() + cacheMemory()).toBeLessThan(peakMemory() * 1.05 + MiB);
    }
    for (const each of alive) each.dispose();
  });

  test("buffers never overlap", () => {
    const alive = new Map<number, Tensor>();
    for (let i = 0; i < 3000; i++) {
      const elements = Math.floor(2 ** (((i * 7919) % 1900) / 100));
      alive.set(i, filled(elements, i));
      const victim = (i * 7817) % (i + 1);
      const freed = alive.get(victim);
      if (!freed || alive.size < 30) continue;
      expect([freed.min().item(), freed.max().item()]).toEqual([victim, victim]);
      freed.dispose();
      alive.delete(victim);
    }
    for (const [i, each] of alive) {
      expect([each.min().item(), each.max().item()]).toEqual([i, i]);
      each.dispose();
    }
  });

  test("the cache's limit holds; zero keeps nothing", () => {
    setCacheLimit(8 * MiB);
    filled(16 * MiB).dispose();
    expect(cacheMemory()).toBeLessThanOrEqual(8 * MiB);
    expect(setCacheLimit(0)).toBe(8 * MiB);
    filled(16 * MiB).dispose();
    filled(10).dispose();
    expect(cacheMemory()).toBe(0);
  });

  test("a threshold clears, none leaves what steps need again", () => {
    filled(MiB).dispose();
    limitCache();
    expect(cacheMemory()).toBeGreaterThanOrEqual(4 * MiB);
    limitCache(1e9);
    expect(cacheMemory()).toBeGreaterThanOrEqual(4 * MiB);
    limitCache(MiB);
    expect(cacheMemory()).toBe(0);
  });

  test("the peak counts from its reset", () => {
    const held = filled(MiB);
    filled(4 * MiB).dispose();
    resetPeakMemory();
    expect(peakMemory()).toBe(0);
    filled(2 * MiB).dispose();
    expect(peakMemory()).toBeGreaterThanOrEqual(activeMemory() + 8 * MiB);
    expect(peakMemory()).toBeLessThan(activeMemory() + 16 * MiB);
    held.dispose();
  });

  test("more than the machine has is an error, and all goes on", () => {
    expect(() => evaluate(scope(() => zeros([2 ** 30, 2 ** 20]).add(1)))).toThrow("Unable to allocate");
    expect(filled(3, 7).toArray()).toEqual([7, 7, 7]);
  });
});
