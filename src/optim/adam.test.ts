import { afterEach, describe, expect, test } from "vitest";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { pattern, patterned } from "../../test/gradients.ts";
import type { DType } from "../core/dtype.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { activeMemory, cacheIsBounded, peakMemory, resetPeakMemory } from "../core/memory.ts";
import { tensor } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import { dispose, keep, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { evaluate } from "../core/transforms.ts";
import { native } from "../native/binding.ts";
import { Adam, AdamW } from "./adam.ts";
import type { Optimizer } from "./optimizer.ts";

afterEach(restoreKernels);

interface Case {
  start: () => Weights;
  gradient?: (parameter: Tensor, step: number) => Tensor;
}

/** Parameters and moments after three updates, by our kernel or by MLX's operations. */
function updated(
  kernels: boolean,
  build: () => Optimizer,
  { start, gradient = sines }: Case,
): Record<string, number[]> {
  useCpuKernels(kernels);
  const optimizer = build();
  let parameters = keep(scope(start));
  for (let step = 0; step < 3; step++) {
    const next = keep(
      scope(() => {
        const gradients = Object.entries(parameters).map(([path, each]) => [path, gradient(each, step)]);
        return optimizer.update(parameters, Object.fromEntries(gradients), 0.01 * (step + 1));
      }),
    );
    evaluate(next, optimizer.state);
    dispose(parameters);
    parameters = next;
  }
  const found = Object.entries({ ...parameters, ...optimizer.state }).map(([path, each]) => [path, each.toArray()]);
  dispose(parameters);
  optimizer.dispose();
  return Object.fromEntries(found);
}

const sines = (parameter: Tensor, step: number): Tensor => patterned(parameter.shape, step).astype(parameter.dtype);

const optimizers: [name: string, build: () => Optimizer][] = [
  ["Adam", () => new Adam()],
  ["Adam with bias correction", () => new Adam({ betas: [0.8, 0.95], eps: 1e-6, bias_correction: true })],
  ["AdamW", () => new AdamW({ weight_decay: 0.3 })],
];

const sizes = [1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257, 4099, 16_385];
const start = (dtype: DType) => () =>
  Object.fromEntries(sizes.map((size, i) => [`layer.${i}`, patterned([size], i).astype(dtype)]));

for (const [name, build] of optimizers) {
  /** By the plain operations, once for all instruction sets. */
  const plain = new Map<DType, ReturnType<typeof updated>>();

  onEachIsa(`${name} in one kernel`, () => {
    test.each([
      ["float32", [1, 2, 3, 4]],
      ["bfloat16", [2]],
      ["float16", [3]],
    ] as const)("rounds as the plain operations do: %s, on %j threads", (dtype, counts) => {
      const each = { start: start(dtype) };
      const expected = plain.get(dtype) ?? updated(false, build, each);
      plain.set(dtype, expected);
      for (const count of counts) {
        native.setCpuThreads(count);
        expect(updated(true, build, each)).toEqual(expected);
      }
    });

    test("more tensors than one kernel takes, of several dtypes, shapes and views", () => {
      const dtypes = ["float32", "bfloat16", "float16"] as const;
      const mixed = {
        start: () =>
          Object.fromEntries(
            Array.from({ length: 50 }, (_, i) => [
              `p${i}`,
              patterned([1 + (i % 5), 3, 7], i).astype(dtypes[i % 3] ?? "float32"),
            ]),
          ),
        gradient: (parameter: Tensor, step: number) =>
          patterned([...parameter.shape].reverse(), step)
            .astype(parameter.dtype)
            .transpose(2, 1, 0),
      };
      expect(updated(true, build, mixed)).toEqual(updated(false, build, mixed));
    });

    test("no gradient, an empty tensor, NaN and infinity", () => {
      const odd = {
        start: () => ({ empty: tensor([], [0, 3]), b: tensor(pattern(9)) }),
        gradient: (parameter: Tensor) =>
          parameter.size === 0
            ? parameter.add(0)
            : tensor([0, Number.NaN, Number.POSITIVE_INFINITY, 0, 1e-30, 1e30, -1, 1, 0]),
      };
      expect(updated(true, build, odd)).toEqual(updated(false, build, odd));
      expect(updated(true, build, { start: () => ({}) })).toEqual({});
    });
  });
}

onEachIsa("Adam", () => {
  test("equals float64", () => {
    const [rate, beta1, beta2, eps] = [0.01, 0.8, 0.95, 1e-6];
    const build = () => new Adam({ betas: [beta1, beta2], eps, bias_correction: true });
    const found = updated(true, build, { start: () => ({ w: patterned([1000]) }) });
    const expected = pattern(1000).map((first, i) => {
      let [w, m, v] = [first, 0, 0];
      for (let step = 0; step < 3; step++) {
        const g = Math.sin(1.7 * i + 0.3 + step);
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g * g;
        const [mean, variance] = [m / (1 - beta1 ** (step + 1)), v / (1 - beta2 ** (step + 1))];
        w -= (rate * (step + 1) * mean) / (Math.sqrt(variance) + eps);
      }
      return w;
    });
    const distance = Math.max(...expected.map((each, i) => Math.abs(each - (found.w?.[i] ?? Number.NaN))));
    expect(distance).toBeLessThan(1e-6);
  });
});

describe.skipIf(!here || !cacheIsBounded())("memory of an update", () => {
  test("new values take the place of the old ones", () => {
    const size = 1 << 21;
    const optimizer = new Adam();
    let parameters: Weights = keep(scope(() => ({ w: tensor(new Float32Array(size)) })));
    evaluate(parameters);
    const step = () => {
      const next = keep(
        scope(() => {
          const gradients = { w: (parameters.w ?? tensor([0])).add(1) };
          return optimizer.update(parameters, gradients, 0.1);
        }),
      );
      dispose(parameters);
      parameters = next;
      evaluate(parameters, optimizer.state);
    };
    step();
    const before = activeMemory();
    resetPeakMemory();
    step();
    expect(activeMemory()).toBe(before);
    // The gradient, and the parameter that it is made from beside its new value.
    expect(peakMemory() - before).toBeLessThan(2.1 * 4 * size);
    optimizer.dispose();
    dispose(parameters);
  });
});

test("a gradient of another shape is refused", () => {
  const update = () => new Adam().update({ w: patterned([2, 3]) }, { w: patterned([3]) }, 0.1);
  if (here) expect(update).toThrow("one shape and one floating dtype");
});
