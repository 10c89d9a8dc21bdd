import { afterEach, expect, test } from "vitest";
import { here, onEachIsa, restoreKernels } from "../../test/cpu-kernels.ts";
import { patterned } from "../../test/gradients.ts";
import type { DType } from "../core/dtype.ts";
import { useCpuKernels } from "../core/kernels.ts";
import { scope } from "../core/scope.ts";
import { evaluate } from "../core/transforms.ts";
import { native } from "../native/binding.ts";
import { Linear } from "../nn/linear.ts";
import { QuantizedLinear } from "../nn/quantized.ts";
import { makeTrainable } from "../tuner/adapters.ts";
import { KVCache } from "./cache.ts";
import { Llama, LlamaConfig } from "./llama.ts";

afterEach(restoreKernels);

interface Shape {
  biases: boolean;
  qkNorm: boolean;
  packed: boolean;
  adapter: boolean;
}

function modelOf({ biases, qkNorm, packed, adapter }: Shape, dtype: DType): Llama {
  const config = LlamaConfig.parse({
    model_type: "llama",
    hidden_size: 64,
    num_hidden_layers: 2,
    intermediate_size: 96,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 24,
    rms_norm_eps: 1e-6,
    vocab_size: 50,
    mlp_bias: biases,
  });
  const model = new Llama(config, { qkvBias: biases, outputBias: biases, qkNorm, defaultTheta: 10_000 });
  if (packed) {
    for (const layer of model.blocks.keys()) {
      const weight = patterned([96, 64], 9).multiply(0.1);
      const linear = QuantizedLinear.from(Linear.of(weight), { group_size: 32, bits: 4, mode: "affine" });
      model.replace(`model.layers.${layer}.mlp.gate_proj`, linear);
    }
  }
  const parameters = Object.entries(model.parameters()).filter(([, value]) => value.dtype !== "uint32");
  model.update(Object.fromEntries(parameters.map(([name, value]) => [name, value.astype(dtype)])));
  if (adapter) {
    makeTrainable(model, {
      fine_tune_type: "lora",
      num_layers: -1,
      lora_parameters: { rank: 3, scale: 2, dropout: 0 },
    });
    const factors = Object.entries(model.trainableParameters());
    model.update(Object.fromEntries(factors.map(([name, { shape }], i) => [name, patterned(shape, i).multiply(0.1)])));
  }
  return model;
}

/** Hidden states of a prompt in two parts and two single tokens, over one cache. */
function decode(model: Llama, dtype: DType, rows: number): number[] {
  const cache = new KVCache();
  const [block] = model.blocks;
  const parts = [5, 3, 1, 1].map((length, i) => patterned([rows, length, 64], i).astype(dtype));
  const out = parts.flatMap((x) => {
    const mask = x.dim(1) > 1 ? ("causal" as const) : ("none" as const);
    const y = scope(() => block?.forward(x, mask, cache));
    evaluate(y, cache.state);
    return y?.astype("float32").toArray() ?? [];
  });
  cache.dispose();
  return out;
}

const shapes: Record<string, Shape> = {
  plain: { biases: false, qkNorm: false, packed: false, adapter: false },
  "with biases and norms of heads": { biases: true, qkNorm: true, packed: false, adapter: false },
  "packed, with an adapter": { biases: false, qkNorm: true, packed: true, adapter: true },
};

onEachIsa("a whole block", () => {
  test.each(Object.entries(shapes))("%s: what its parts give by MLX's operations", (_, shape) => {
    const model = modelOf(shape, "float32");
    for (const rows of [1, 3]) {
      useCpuKernels(false);
      const expected = decode(model, "float32", rows);
      useCpuKernels(true);
      for (const threads of [1, 2, 3, 4]) {
        native.setCpuThreads(threads);
        expect(distance(decode(model, "float32", rows), expected)).toBeLessThan(2e-5);
      }
    }
    model.dispose();
  });
});

test.skipIf(!here)("a whole block in half precision is near the one in float32", () => {
  const { plain } = shapes;
  if (!plain) throw new Error("a shape");
  for (const dtype of ["bfloat16", "float16"] as const) {
    const model = modelOf(plain, dtype);
    const half = decode(model, dtype, 2);
    const parameters = Object.entries(model.parameters());
    model.update(Object.fromEntries(parameters.map(([name, value]) => [name, value.astype("float32")])));
    expect(distance(half, decode(model, "float32", 2))).toBeLessThan(dtype === "bfloat16" ? 0.02 : 0.003);
    model.dispose();
  }
});

function distance(a: readonly number[], b: readonly number[]): number {
  const size = Math.sqrt(b.reduce((sum, each) => sum + each * each, 0));
  return Math.sqrt(b.reduce((sum, each, i) => sum + (each - (a[i] ?? Number.NaN)) ** 2, 0)) / size;
}
