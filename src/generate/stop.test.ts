import { describe, expect, test } from "vitest";
import { MersenneTwister } from "../tuner/mersenne-twister.ts";
import { StopMatcher } from "./stop.ts";

/** All that a matcher lets through, fed in pieces. */
function passed(stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  const text = pieces.map((piece) => matcher.add(piece)).join("") + matcher.finish();
  return { text, stopped: matcher.stopped };
}

/** The text up to the first place where any stop begins. */
function reference(stops: readonly string[], text: string): { text: string; stopped: boolean } {
  const places = stops
    .filter((stop) => stop !== "")
    .map((stop) => text.indexOf(stop))
    .filter((at) => at >= 0);
  return places.length > 0 ? { text: text.slice(0, Math.min(...places)), stopped: true } : { text, stopped: false };
}

describe("StopMatcher", () => {
  test("cuts at a stop string that comes in pieces", () => {
    expect(passed(["</s>"], ["Hello<", "/s", "> and more"])).toEqual({ text: "Hello", stopped: true });
  });

  test("holds back only what may be the beginning of a stop", () => {
    const matcher = new StopMatcher(["abc"]);
    expect([matcher.add("xa"), matcher.add("b"), matcher.add("d"), matcher.add("ab")]).toEqual(["x", "", "abd", ""]);
    expect([matcher.finish(), matcher.stopped]).toEqual(["ab", false]);
  });

  test("lets everything through without stops, and nothing after one", () => {
    expect(passed([], ["a", "b"])).toEqual({ text: "ab", stopped: false });
    expect(passed([""], ["a", "b"])).toEqual({ text: "ab", stopped: false });
    const matcher = new StopMatcher(["."]);
    expect([matcher.add("a.b"), matcher.add("c"), matcher.finish()]).toEqual(["a", "", ""]);
  });

  test("whatever the pieces, what passes is the text before the first stop that is completed", () => {
    const random = new MersenneTwister(7);
    const letters = (count: number) => Array.from({ length: count }, () => "ab鹅"[random.integer(2)]).join("");
    for (let round = 0; round < 3000; round++) {
      const stops = Array.from({ length: 1 + random.integer(2) }, () => letters(1 + random.integer(3)));
      const text = letters(random.integer(12));
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + random.integer(3);
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      const whole = reference(stops, text);
      const found = passed(stops, pieces);
      expect(found.stopped, `${stops} in ${pieces}`).toBe(whole.stopped);
      // A stop within a longer one that began before it may be completed first, by the pieces' borders.
      if (stops.length === 1) expect(found.text, `${stops} in ${pieces}`).toBe(whole.text);
      expect(text.startsWith(found.text)).toBe(true);
      expect(stops.some((stop) => found.text.includes(stop))).toBe(false);
    }
  });
});
