import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { patterned } from "../../test/gradients.ts";
import { liveTensors } from "./memory.ts";
import { ones, scalar, tensor } from "./ops.ts";
import { dispose, keep, scope } from "./scope.ts";
import { Tensor } from "./tensor.ts";
import { asyncEval, checkpoint, compile, customVjp, evaluate, valueAndGrad } from "./transforms.ts";

const the = (x: Tensor | undefined): Tensor => {
  if (!(x instanceof Tensor)) throw new Error("expected a tensor");
  return x;
};
const sumOfSquares = ([x]: Tensor[]): Tensor[] => [the(x).square().sum()];

describe("valueAndGrad", () => {
  test("gives the value, further outputs and one gradient for each input", () => {
    const [x, y] = [tensor([1, 2, 3]), tensor([4, 5, 6])];
    const { values, gradients } = valueAndGrad(([a, b]) => [the(a).multiply(the(b)).sum(), the(a).add(1)], [x, y]);
    expect(values.map((value) => value.toArray())).toEqual([[32], [2, 3, 4]]);
    expect(gradients.map((gradient) => gradient.toArray())).toEqual([
      [4, 5, 6],
      [1, 2, 3],
    ]);
  });

  test("keeps each input's dtype and shape", () => {
    const { gradients } = valueAndGrad(sumOfSquares, [ones([2, 3], "bfloat16")]);
    expect(gradients[0]?.dtype).toBe("bfloat16");
    expect(gradients[0]?.shape).toEqual([2, 3]);
  });

  test("leaves nothing behind but what it returns, in a scope or in none", () => {
    const x = tensor([1, 2, 3]);
    const before = liveTensors();
    dispose(valueAndGrad(sumOfSquares, [x]));
    expect(liveTensors()).toBe(before);
    scope(() => void valueAndGrad(sumOfSquares, [x]));
    expect(liveTensors()).toBe(before);
  });

  test("an error of the traced function comes out as the same object; nothing leaks and the next call works", () => {
    const x = tensor([1, 2, 3]);
    const error = new RangeError("from the trace");
    const failing = ([a]: Tensor[]): Tensor[] => {
      the(a).add(1);
      throw error;
    };
    const caught = (body: () => unknown): unknown => {
      try {
        return body();
      } catch (thrown) {
        return thrown;
      }
    };
    const before = liveTensors();
    expect(caught(() => valueAndGrad(failing, [x]))).toBe(error);
    expect(caught(() => valueAndGrad((inputs) => checkpoint(failing, inputs), [x]))).toBe(error);
    expect(caught(() => scope(() => valueAndGrad(failing, [x])))).toBe(error);
    expect(caught(() => valueAndGrad((inputs) => customVjp(sumOfSquares, failing, inputs), [x]))).toBe(error);
    expect(liveTensors()).toBe(before);
    expect(valueAndGrad(sumOfSquares, [x]).gradients[0]?.toArray()).toEqual([2, 4, 6]);
  });

  test("an error of MLX inside the trace keeps its message", () => {
    expect(() =>
      valueAndGrad(
        ([x]) => [
          the(x)
            .matmul(ones([7, 7]))
            .sum(),
        ],
        [ones([2, 3])],
      ),
    ).toThrow(/matmul/);
  });

  test("the first output must be a scalar, and there must be an input", () => {
    expect(() => valueAndGrad(([x]) => [the(x).add(1)], [ones([3])])).toThrow(/cotangent shape/);
    expect(() => valueAndGrad(() => [scalar(1)], [])).toThrow(/at least one argument/);
  });

  test("tensors that leave the traced function by another way are freed", () => {
    const escaped: Tensor[] = [];
    valueAndGrad(
      ([x]) => {
        escaped.push(the(x).add(1));
        return sumOfSquares([the(x)]);
      },
      [tensor([1])],
    );
    expect(() => escaped[0]?.item()).toThrow("tensor is already freed");
  });
});

describe("checkpoint", () => {
  test("gives the same values and gradients, and calls the function again for the gradient", () => {
    const [x, w] = [patterned([4, 3]), patterned([3, 5], 1)];
    let calls = 0;
    const body = ([a, b]: Tensor[]): Tensor[] => {
      calls++;
      return [the(a).matmul(the(b)).exp().sum()];
    };
    const plain = valueAndGrad(body, [x, w]);
    calls = 0;
    const checkpointed = valueAndGrad((inputs) => checkpoint(body, inputs), [x, w]);
    expect(calls).toBe(2);
    expect(checkpointed.values[0]?.item()).toBe(plain.values[0]?.item());
    checkpointed.gradients.forEach((gradient, i) => {
      expect(gradient.toArray()).toEqual(plain.gradients[i]?.toArray());
    });
  });

  test("leaves nothing behind", () => {
    const x = tensor([1, 2, 3]);
    const before = liveTensors();
    dispose(checkpoint(sumOfSquares, [x]));
    dispose(valueAndGrad((inputs) => checkpoint(sumOfSquares, inputs), [x]));
    expect(liveTensors()).toBe(before);
  });
});

test("customVjp puts a gradient of one's own in place of the derived one", () => {
  const x = tensor([1, 2, 3]);
  const tenfold = ([input]: Tensor[], [cotangent]: Tensor[], [output]: Tensor[]): Tensor[] => [
    the(input).multiply(10).multiply(the(cotangent)).add(the(output).multiply(0)),
  ];
  const { values, gradients } = valueAndGrad((inputs) => customVjp(sumOfSquares, tenfold, inputs), [x]);
  expect(values[0]?.item()).toBe(14);
  expect(gradients[0]?.toArray()).toEqual([10, 20, 30]);
});

describe("evaluation", () => {
  test("evaluate takes trees, nothing, and computed tensors", () => {
    const x = tensor([1]).add(1);
    evaluate({ a: [x], b: undefined }, x);
    evaluate();
    expect(x.item()).toBe(2);
  });

  test("asyncEval resolves when the values are there", async () => {
    const results = Array.from({ length: 8 }, (_, i) =>
      scope(() =>
        ones([64, 64])
          .multiply(i)
          .matmul(ones([64, 64])),
      ),
    );
    await Promise.all(results.map((result) => asyncEval(result)));
    expect(results.map((result) => result.at(0, 0).at(0, 0).item())).toEqual(results.map((_, i) => 64 * i));
    await asyncEval();
    dispose(results);
  });

  test("the event loop turns while asyncEval computes", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const result = scope(() => {
      let x = ones([256, 256]);
      for (let i = 0; i < 60; i++) x = x.matmul(ones([256, 256])).multiply(1 / 256);
      return x;
    });
    await asyncEval(result);
    clearInterval(timer);
    expect(result.at(0, 0).at(0, 0).item()).toBe(1);
    expect(turns).toBeGreaterThan(0);
  });

  test("bad shapes are refused when the graph is built, with MLX's message", () => {
    expect(() => ones([2, 3]).matmul(ones([2, 3]))).toThrow(/\[matmul\]/);
    expect(() => ones([2]).reshape(3)).toThrow(/\[reshape\]/);
    const freed = ones([1]);
    freed.dispose();
    expect(() => asyncEval(freed)).toThrow("tensor is already freed");
  });
});

function hasCompiler(): boolean {
  try {
    execFileSync("g++", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
const compiler = hasCompiler();
if (!compiler) console.warn("No g++: the test of compile is skipped.");

test.skipIf(!compiler)("compile traces once for each shape and gives the plain result", () => {
  let traces = 0;
  const body = ([x]: Tensor[]): Tensor[] => {
    traces++;
    return [the(x).multiply(2).exp().add(1).sum()];
  };
  const compiled = compile(body);
  const before = liveTensors();
  for (const size of [3, 3, 4, 3]) {
    const x = keep(patterned([size]));
    const [found] = compiled([x]);
    const expected = x.toArray().reduce((sum, each) => sum + Math.exp(2 * each) + 1, 0);
    expect(found?.item()).toBeCloseTo(expected, 4);
    dispose([found, x]);
  }
  expect(traces).toBe(2);
  expect(liveTensors()).toBe(before);
});
