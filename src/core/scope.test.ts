import { describe, expect, test } from "vitest";
import { liveTensors } from "./memory.ts";
import { ones, zeros } from "./ops.ts";
import { dispose, keep, scope, tensorsOf } from "./scope.ts";
import type { Tensor } from "./tensor.ts";

/** What `body` leaves alive beyond what it returns; frees that. */
function left(body: () => unknown): number {
  const before = liveTensors();
  const returned = body();
  const after = liveTensors() - tensorsOf(returned).length;
  dispose(returned);
  return after - before;
}

describe("scope", () => {
  test("frees what is made in it but what it returns, anywhere in a tree", () => {
    expect(left(() => scope(() => ones([2]).add(1).multiply(3)))).toBe(0);
    expect(left(() => scope(() => ({ a: [ones([2]).add(1)], b: { c: ones([1]) }, d: "text", e: null })))).toBe(0);
    expect(scope(() => [ones([2]).add(1)])[0]?.toArray()).toEqual([2, 2]);
  });

  test("a graph outlives the handles it was built from", () => {
    const x = ones([3]);
    const y = scope(() => x.add(1).multiply(x.add(2)));
    x.dispose();
    expect(y.toArray()).toEqual([6, 6, 6]);
    y.dispose();
  });

  test("a tensor that leaves an inner scope is freed by the outer one", () => {
    let inner: Tensor | undefined;
    const outer = () => {
      inner = scope(() => ones([1]).add(1));
      expect(inner.item()).toBe(2);
    };
    expect(left(() => scope(outer))).toBe(0);
    expect(() => inner?.item()).toThrow("tensor is already freed");
  });

  test("tensors from outside are not freed, even when returned", () => {
    const x = ones([2]);
    expect(left(() => scope(() => void x.add(1)))).toBe(0);
    expect(scope(() => x)).toBe(x);
    expect(scope(() => scope(() => x))).toBe(x);
    expect(x.toArray()).toEqual([1, 1]);
    x.dispose();
  });

  test("an error comes out as it is, and everything is freed", () => {
    const error = new RangeError("inside");
    const failing = () => {
      scope(() => {
        ones([2]).add(1);
        scope(() => {
          zeros([2]).add(1);
          throw error;
        });
      });
    };
    const before = liveTensors();
    expect(failing).toThrow(error);
    expect(liveTensors()).toBe(before);
    expect(left(() => scope(() => ones([1]).add(1)))).toBe(0);
  });

  test("returning a freed tensor is an error that leaves nothing behind", () => {
    const before = liveTensors();
    const failing = () =>
      scope(() => {
        const [x, y] = [ones([1]), ones([1])];
        x.dispose();
        return [x, y];
      });
    expect(failing).toThrow("tensor is already freed");
    expect(liveTensors()).toBe(before);
  });

  test("an asynchronous function is refused, its tensors freed", () => {
    const before = liveTensors();
    expect(() => scope(async () => ones([2]))).toThrow("scope() takes a synchronous function");
    expect(liveTensors()).toBe(before);
  });

  test("objects of classes own their tensors: what they hold is not returned", () => {
    class Owner {
      readonly tensor = keep(ones([1]));
      readonly other = ones([1]);
    }
    const owner = scope(() => new Owner());
    expect(owner.tensor.item()).toBe(1);
    expect(() => owner.other.item()).toThrow("tensor is already freed");
    dispose(owner.tensor);
  });
});

describe("keep and dispose", () => {
  test("a kept tensor survives all scopes until it is disposed", () => {
    const before = liveTensors();
    const owned: Tensor[] = [];
    scope(() => scope(() => void owned.push(keep(ones([2]).add(1)))));
    expect(owned[0]?.toArray()).toEqual([2, 2]);
    expect(liveTensors()).toBe(before + 1);
    dispose({ tree: owned });
    expect(liveTensors()).toBe(before);
  });

  test("a kept tensor that is also returned still belongs to its keeper", () => {
    const kept = scope(() => scope(() => keep(ones([1]))));
    scope(() => kept.add(1));
    expect(kept.item()).toBe(1);
    kept.dispose();
  });

  test("keeping a freed tensor is an error", () => {
    const x = ones([1]);
    x.dispose();
    expect(() => keep(x)).toThrow("tensor is already freed");
  });

  test("100,000 tensors in scopes leave nothing, and handles of freed ones stay refused", () => {
    const before = liveTensors();
    const first = scope(() => ones([1]));
    first.dispose();
    for (let i = 0; i < 1000; i++) {
      scope(() => {
        for (let j = 0; j < 100; j++) zeros([1]);
      });
    }
    expect(liveTensors()).toBe(before);
    expect(() => first.shape).toThrow("tensor is already freed");
  });
});
