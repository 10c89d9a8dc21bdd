import { expect, test } from "vitest";
import { comparePaired } from "../paired.ts";
import { chrF } from "./chrf.ts";
import { rougeL, wordsOf } from "./rouge-l.ts";

test("words are those between spaces and marks, and each Chinese character", () => {
  expect(wordsOf("The cat's 2nd life, 我爱北京abc!")).toEqual([
    "the",
    "cat",
    "s",
    "2nd",
    "life",
    "我",
    "爱",
    "北",
    "京",
    "abc",
  ]);
});

test("ROUGE-L counts words in their order", () => {
  // Lin 2004, section 3.1: "police killed the gunman" against two candidates, F1 of 3/4 and of 2/4.
  expect(rougeL("police kill the gunman", "police killed the gunman")).toBeCloseTo(0.75, 10);
  expect(rougeL("the gunman kill police", "police killed the gunman")).toBeCloseTo(0.5, 10);
  // rouge-score 0.1
  const [answer, reference] = ["Swans are large birds", "Swans are big water birds that swim"];
  expect(rougeL(answer, reference)).toBeCloseTo(0.5454545454545454, 12);
  expect(rougeL("我喜欢天鹅", "我喜欢小天鹅")).toBeCloseTo(10 / 11, 10);
  expect([rougeL("", ""), rougeL("a", ""), rougeL("", "a"), rougeL("?!", "…")]).toEqual([1, 0, 0, 1]);
});

test("chrF counts characters in pieces", () => {
  expect(chrF("the same text", "the same  text")).toBe(1);
  expect(chrF("abc", "xyz")).toBe(0);
  // n = 1: 2/3 and 2/3, n = 2: 1/2 and 1/2, n = 3: 0: averages 7/18
  expect(chrF("abd", "abc")).toBeCloseTo(7 / 18, 10);
  expect([chrF("", ""), chrF("a", ""), chrF("", "a")]).toEqual([1, 0, 0]);
  // sacreBLEU 2
  expect(chrF("The cat sat on the mat.", "The cat is on the mat.")).toBeCloseTo(0.6717273492330232, 12);
  expect(chrF("我喜欢天鹅", "我喜欢小天鹅")).toBeCloseTo(0.3501109262340544, 12);
  expect(chrF("a", "ab")).toBeCloseTo(0.5555555555555556, 12);
});

test("pairs are counted, with an interval and a test", () => {
  const base = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0.5];
  const tuned = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0.5];
  const found = comparePaired(base, tuned);
  expect(found).toMatchObject({ wins: 8, losses: 1, ties: 1, winRate: 0.85 });
  expect(found.pValue).toBeCloseTo((2 * (1 + 9)) / 512, 10);
  expect(found.interval[0]).toBeCloseTo(0.5412, 3);
  expect(found.interval[1]).toBeCloseTo(0.9646, 3);
  expect(comparePaired([], [])).toMatchObject({ winRate: 0.5, pValue: 1 });
  expect(comparePaired(Array(600).fill(0), Array(600).fill(1)).pValue).toBeLessThan(1e-150);
});
