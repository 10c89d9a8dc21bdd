import { expect, test } from "vitest";
import { liveTensors } from "../core/memory.ts";
import { integers, tensor } from "../core/ops.ts";
import * as random from "../core/random.ts";
import { scope } from "../core/scope.ts";
import { Penalties } from "./penalties.ts";
import { greedy, Sampler } from "./sampler.ts";

const logits = [2, -1, 0.5, 3, -2, 1];

function penalized(penalties: Penalties): number[] {
  return scope(() => penalties.apply(tensor(logits, [1, 6])).toArray());
}

test("repeated tokens lose by a factor, tokens that occur a constant, and that for each time", () => {
  const context = 10;
  const repetition = new Penalties({ repetition: { value: 2, context } });
  repetition.begin([3, 1, 3]);
  expect(penalized(repetition)).toEqual([2, -2, 0.5, 1.5, -2, 1]);
  const presence = new Penalties({ presence: { value: 0.5, context } });
  presence.begin([3, 1, 3]);
  expect(penalized(presence)).toEqual([2, -1.5, 0.5, 2.5, -2, 1]);
  const frequency = new Penalties({ frequency: { value: 0.5, context } });
  frequency.begin([3, 1, 3]);
  expect(penalized(frequency)).toEqual([2, -1.5, 0.5, 2, -2, 1]);
  for (const each of [repetition, presence, frequency]) each.dispose();
});

test("each looks at its own last tokens, new ones included, and one follows the other", () => {
  const before = liveTensors();
  const penalties = new Penalties({
    repetition: { value: 2, context: 1 },
    presence: { value: 1, context: 2 },
    frequency: { value: 0.25, context: 3 },
  });
  penalties.begin([0, 5, 5]);
  scope(() => penalties.add(integers([2], [1])));
  // repetition: 2 · presence: 2 and 5 · frequency: 2 once, 5 twice
  expect(penalized(penalties)).toEqual([2, -1, 0.25 - 1 - 0.25, 3, -2, 1 - 1 - 0.5]);
  penalties.dispose();
  expect(liveTensors()).toBe(before);
});

test("nothing is lost before there is a text", () => {
  const penalties = new Penalties({ presence: { value: 5, context: 4 } });
  penalties.begin([]);
  expect(penalized(penalties)).toEqual(logits);
});

test("a sampler never repeats what a great penalty forbids; biases come first", () => {
  const before = liveTensors();
  const penalties = { frequency: { value: 100, context: 10 } };
  const sampler = new Sampler({ ...greedy, logitBias: new Map([[4, 3]]), penalties }, 6);
  sampler.begin([3]);
  const drawn = Array.from({ length: 5 }, () => {
    const { ids, logprobs } = scope(() => sampler.choose(tensor(logits, [1, 6])));
    const id = ids.item();
    ids.dispose();
    logprobs.dispose();
    return id;
  });
  expect(drawn).toEqual([0, 4, 5, 2, 1].sort((a, b) => bias(b) - bias(a)));
  sampler.dispose();
  expect(liveTensors()).toBe(before);
});

const bias = (id: number): number => (logits[id] ?? 0) + (id === 4 ? 3 : 0);

test("leaving out top choices keeps the least likely that reaches the threshold, and the exempt", () => {
  random.seed(3);
  const probabilities = [0.4, 0.3, 0.2, 0.06, 0.04];
  const rows = tensor(probabilities.map(Math.log)).broadcastTo(4000, 5);
  const share = (exempt: number[], probability: number): number[] => {
    const sampler = new Sampler({ ...greedy, temperature: 1, xtc: { probability, threshold: 0.1, exempt } }, 5);
    const ids = scope(() => sampler.choose(rows).ids).toArray();
    sampler.dispose();
    return probabilities.map((_, id) => ids.filter((each) => each === id).length / 4000);
  };
  expect(share([], 1).slice(0, 2)).toEqual([0, 0]);
  expect(share([], 1)[2]).toBeCloseTo(0.2 / 0.3, 1);
  expect(share([0], 1)[0]).toBeCloseTo(0.4 / 0.7, 1);
  expect(share([], 0.5)[0]).toBeCloseTo(0.2, 1);
});

test("min_p leaves at least so many tokens", () => {
  random.seed(5);
  const rows = tensor([5, 1, 0.5, -3]).broadcastTo(2000, 4);
  const sampler = new Sampler({ ...greedy, temperature: 4, minP: 0.9, minTokensToKeep: 3 }, 4);
  expect(new Set(scope(() => sampler.choose(rows).ids).toArray())).toEqual(new Set([0, 1, 2]));
  sampler.dispose();
});
