import { tensor } from "../src/core/ops.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { evaluate, valueAndGrad } from "../src/core/transforms.ts";

/** Numbers of a fixed pattern in [-1, 1], never twice the same within a few hundred. */
export function pattern(count: number, phase = 0): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + 0.3 + phase));
}

/** A float32 tensor of such numbers. */
export function patterned(shape: readonly number[], phase = 0): Tensor {
  const size = shape.reduce((product, each) => product * each, 1);
  return tensor(pattern(size, phase), shape);
}

/**
 * The greatest difference between the gradients of Σᵢ cᵢ body(inputs)ᵢ and central differences, relative to the greatest
 * gradient. The sum is in float64, so what float32 rounds in `body` is all that blurs the differences.
 */
export function gradientError(body: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[], step = 1e-2): number {
  const weights = pattern(body(...inputs).size, 0.5);
  const { gradients } = valueAndGrad((traced) => {
    const output = body(...traced);
    return [output.flatten().multiply(tensor(weights)).sum()];
  }, inputs);
  evaluate(gradients);
  const value = (changed: readonly Tensor[]): number =>
    body(...changed)
      .toArray()
      .reduce((sum, each, i) => sum + each * (weights[i] ?? 0), 0);

  const found = gradients.flatMap((gradient) => gradient.toArray());
  const expected = inputs.flatMap((input, which) => {
    const values = input.toArray();
    const shifted = (at: number, by: number): number => {
      const moved = tensor(
        values.map((each, i) => (i === at ? each + by : each)),
        input.shape,
      );
      return value(inputs.map((each, i) => (i === which ? moved : each)));
    };
    return values.map((_, at) => (shifted(at, step) - shifted(at, -step)) / (2 * step));
  });
  const size = Math.max(1e-3, ...expected.map(Math.abs));
  return Math.max(...expected.map((each, i) => Math.abs(each - (found[i] ?? Number.NaN)))) / size;
}
