import { describe, expect, test } from "vitest";
import { gradientError } from "../../test/gradients.ts";
import { familyToys, toyModel } from "../../test/toys.ts";
import { activeMemory, clearCache, liveTensors } from "../core/memory.ts";
import { integers } from "../core/ops.ts";
import { keep, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import { families } from "./registry.ts";

const ids = Array.from({ length: 12 }, (_, i) => (i * 7 + 3) % 24);

test("every architecture has a toy", () => {
  expect([...new Set(familyToys.map(([, type]) => type))].sort()).toEqual(Object.keys(families).sort());
});

describe.each(familyToys)("%s", (_, type, changes) => {
  test("rows of a batch do not see each other, nor a token what follows it", () => {
    const model = toyModel(type, changes);
    const alone = model.forward(integers(ids.slice(0, 6), [1, 6])).toArray();
    const other = ids.slice(0, 6).map((id, i) => (i < 4 ? id : (id + 1) % 24));
    const both = model.forward(integers([...other, ...ids.slice(0, 6)], [2, 6])).toArray();
    const close = (found: number[], expected: number[]) =>
      expect(Math.max(...expected.map((each, i) => Math.abs(each - (found[i] ?? Number.NaN))))).toBeLessThan(1e-5);
    close(both.slice(6 * 24), alone);
    close(both.slice(0, 4 * 24), alone.slice(0, 4 * 24));
  });

  test("the gradient of every parameter agrees with finite differences", () => {
    // All experts at once: where the choice of some jumps there is no derivative.
    const all = { num_experts: 3, num_local_experts: 3, num_experts_per_tok: 3 };
    const model = toyModel(type, { ...changes, ...all, intermediate_size: 5, vocab_size: 6 });
    const parameters = Object.entries(model.parameters());
    const tokens = integers([1, 4, 2, 0, 1], [1, 5]);
    for (const [path, parameter] of parameters) {
      const body = (traced?: Tensor): Tensor => {
        if (!traced) throw new Error("one input");
        return model.withParameters({ [path]: traced }, () => model.forward(tokens).logsumexp(-1));
      };
      // Small weights of a norm and a softmax: float32 leaves about half a percent.
      expect(gradientError(body, [parameter], 5e-3), path).toBeLessThan(1e-2);
    }
  });
});

test("2,000 decoded tokens leave tensors and memory flat", () => {
  const model = toyModel("qwen3");
  evaluate(model.parameters());
  const cache = model.makeCache();
  const decode = (count: number) => {
    let token = keep(integers([1], [1, 1]));
    for (let i = 0; i < count; i++) {
      const next = scope(() => keep(model.forward(token, cache).at(1, -1).argmax(-1).reshape(1, 1)));
      token.dispose();
      token = next;
      evaluate(
        token,
        cache.map((layer) => layer.state),
      );
    }
    token.dispose();
    clearCache();
  };
  decode(10);
  const tensors = liveTensors();
  decode(240); // up to the first buffer's end
  const memory = activeMemory();
  decode(1750);
  expect(liveTensors()).toBe(tensors);
  // Keys and values of 1,792 more tokens of 2 heads of 4 floats, as the buffers grow to 2,048.
  expect(activeMemory() - memory).toBe(2 * 1792 * 2 * 4 * 4);
  expect(cache[0]?.offset).toBe(2000);
});
