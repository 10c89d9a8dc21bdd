import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { read, relativeDifference } from "../../test/parity/fixtures.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { liveTensors } from "../core/memory.ts";
import { tensor } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import { dispose, keep, scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import { Adam, AdamW } from "./adam.ts";
import type { Optimizer } from "./optimizer.ts";
import { buildSchedule } from "./schedule.ts";
import { SGD } from "./sgd.ts";

const Values = z.object({ w: z.array(z.array(z.number())), b: z.array(z.number()) });
type Values = z.infer<typeof Values>;
const AdamArguments = z.object({
  betas: z.tuple([z.number(), z.number()]).optional(),
  eps: z.number().optional(),
  bias_correction: z.boolean().optional(),
  weight_decay: z.number().optional(),
});
const SGDArguments = z.object({
  momentum: z.number().optional(),
  dampening: z.number().optional(),
  nesterov: z.boolean().optional(),
  weight_decay: z.number().optional(),
});
const Case = z.object({
  name: z.string(),
  optimizer: z.enum(["adam", "adamw", "sgd"]),
  arguments: z.looseObject({ learning_rate: z.number() }),
  dtype: z.enum(["float32", "bfloat16"]),
  start: Values,
  gradients: z.array(Values),
  parameters: z.array(Values),
  learning_rates: z.array(z.number()),
});
type Case = z.infer<typeof Case>;

const { cases } = read("optimizers/optimizers.json", z.object({ cases: z.array(z.unknown()) }));
const ours = cases.flatMap((each) => Case.safeParse(each).data ?? []);

function build({ optimizer, arguments: given }: Case): Optimizer {
  if (optimizer === "sgd") return new SGD(SGDArguments.parse(given));
  return optimizer === "adamw" ? new AdamW(AdamArguments.parse(given)) : new Adam(AdamArguments.parse(given));
}

function tensorsOf({ w, b }: Values, dtype: Case["dtype"]): Weights {
  return { w: tensor(w.flat(), [w.length, w[0]?.length ?? 0]).astype(dtype), "layer.b": tensor(b).astype(dtype) };
}

/** Parameters after each of the case's steps from `first` on, starting at `parameters`. */
function steps(each: Case, optimizer: Optimizer, parameters: Weights, first = 0): number[][] {
  let now = keep(parameters);
  const history: number[][] = [];
  for (const [i, gradients] of each.gradients.entries()) {
    if (i < first) continue;
    const rate = each.learning_rates[i] ?? Number.NaN;
    const next = scope(() => optimizer.update(now, tensorsOf(gradients, each.dtype), rate));
    evaluate(next, optimizer.state);
    dispose(now);
    now = next;
    history.push(Object.values(now).flatMap((x) => x.toArray()));
  }
  dispose(now);
  return history;
}

const flat = ({ w, b }: Values): number[] => [...w.flat(), ...b];
const tolerance = { float32: 2e-6, bfloat16: 4e-3 };

const computed = [true, false].flatMap((kernels) =>
  ours.map((each) => [`${each.name}, ${each.dtype}, ${kernels ? "our kernels" : "plain"}`, each, kernels] as const),
);

describe.each(computed)("%s", (_, each, kernels) => {
  beforeEach(() => useCpuKernels(kernels));
  afterEach(() => useCpuKernels(true));

  test("follows MLX's optimizer", () => {
    const history = steps(each, build(each), tensorsOf(each.start, each.dtype));
    expect(history.length).toBe(each.parameters.length);
    history.forEach((found, i) => {
      const expected = each.parameters[i];
      if (!expected) throw new Error("as many parameters as gradients");
      expect(relativeDifference(found, flat(expected)), `step ${i + 1}`).toBeLessThan(tolerance[each.dtype]);
    });
  });

  test("continues from a restored state as if never stopped", () => {
    const whole = steps(each, build(each), tensorsOf(each.start, each.dtype));
    const half = build(each);
    const before = steps({ ...each, gradients: each.gradients.slice(0, 3) }, half, tensorsOf(each.start, each.dtype));
    const saved = Object.fromEntries(Object.entries(half.state).map(([name, x]) => [name, x.add(0)]));
    evaluate(saved);
    const restored = build(each);
    restored.restore(saved, half.step);
    expect(restored.step).toBe(3);
    const [w = [], b = []] = [before[2]?.slice(0, 6), before[2]?.slice(6)];
    const after = steps(each, restored, tensorsOf({ w: [w.slice(0, 3), w.slice(3)], b }, each.dtype), 3);
    expect([...before, ...after]).toEqual(whole);
  });
});

test("every case of the fixtures for these optimizers is taken", () => {
  const names = cases.map((each) => z.object({ optimizer: z.string() }).parse(each).optimizer);
  expect(ours.length).toBe(names.filter((name) => ["adam", "adamw", "sgd"].includes(name)).length);
  expect(ours.length).toBeGreaterThan(10);
});

test("an optimizer holds its moments and nothing else, and frees them", () => {
  const before = liveTensors();
  const optimizer = new Adam();
  let parameters: Weights = keep(scope(() => ({ a: tensor([1, 2]), "b.c": tensor([3]) })));
  for (let i = 0; i < 20; i++) {
    const next = keep(scope(() => optimizer.update(parameters, { a: tensor([1, 1]), "b.c": tensor([-1]) }, 0.1)));
    dispose(parameters);
    parameters = next;
    evaluate(parameters, optimizer.state);
  }
  expect(Object.keys(optimizer.state)).toEqual(["a.m", "a.v", "b.c.m", "b.c.v"]);
  expect(liveTensors()).toBe(before + 6);
  optimizer.dispose();
  dispose(parameters);
  expect(liveTensors()).toBe(before);
});

test("a gradient without a parameter is an error", () => {
  expect(() => new SGD().update({}, { a: tensor([1]) }, 0.1)).toThrow("a gradient for a, which is not a parameter");
});

const Schedule = z.object({
  lr_schedule: z.object({
    name: z.enum(["exponential_decay", "step_decay", "cosine_decay", "linear_schedule"]),
    arguments: z.array(z.number()),
    warmup: z.int().optional(),
    warmup_init: z.number().optional(),
  }),
  values: z.array(z.number()),
});

test.each(read("optimizers/schedules.json", z.object({ cases: z.array(Schedule) })).cases)(
  "the learning rates of $lr_schedule.name $lr_schedule.arguments, warm-up $lr_schedule.warmup, are MLX's",
  ({ lr_schedule, values }) => {
    const schedule = buildSchedule(lr_schedule);
    // MLX computes them in float32.
    expect(
      relativeDifference(
        values.map((_, step) => schedule(step)),
        values,
      ),
    ).toBeLessThan(1e-6);
  },
);
