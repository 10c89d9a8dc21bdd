import { expect, test } from "vitest";
import { commonTraining, ModelShape, memoryToRun, memoryToTrain, parametersOf } from "./memory-estimate.ts";

const qwen3 = ModelShape.parse({
  hidden_size: 1024,
  num_hidden_layers: 28,
  intermediate_size: 3072,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  vocab_size: 151936,
  tie_word_embeddings: true,
});
const half = { activationBytes: 2, hasKernels: true };
const single = { activationBytes: 4, hasKernels: true };
const weights = { bf16: 1.192e9, fourBits: 0.335e9, f32: 2.384e9 };

test("parameters follow from the shape", () => {
  // Those of the model's own header; the norms of heads, 28 · 2 · 128, are left out.
  expect(parametersOf(qwen3)).toBe(596_049_920 - 28 * 2 * 128);
});

test("of a model with experts all are counted, and those that a token uses", () => {
  // Qwen3-30B-A3B has 30,532,122,624, of which 48 · 2 · 128 are norms of heads.
  const config = { hidden_size: 2048, num_hidden_layers: 48, intermediate_size: 6144, num_attention_heads: 32 };
  const experts = { num_experts: 128, num_experts_per_tok: 8, moe_intermediate_size: 768 };
  const shape = ModelShape.parse({
    ...config,
    ...experts,
    num_key_value_heads: 4,
    head_dim: 128,
    vocab_size: 151936,
  });
  expect(parametersOf(shape)).toBe(30_532_122_624 - 48 * 2 * 128);
  expect(shape.usedExperts * shape.intermediate).toBe(6144);
});

// Peaks of the process on two cores of a Xeon with AMX, Node 20, MLX 0.32.4, in GB.
test.each([
  ["bfloat16, 1 × 512", weights.bf16, { tokens: 512 }, half, 2.28],
  ["bfloat16, 1 × 512, checkpointed", weights.bf16, { tokens: 512, gradCheckpoint: true }, half, 1.69],
  ["bfloat16, 1 × 128", weights.bf16, { tokens: 128 }, half, 1.65],
  ["4 bits, 1 × 512", weights.fourBits, { tokens: 512 }, half, 1.43],
  ["4 bits, 1 × 512, 16 blocks", weights.fourBits, { tokens: 512, tunedLayers: 16 }, half, 1.15],
  ["4 bits, 1 × 1024", weights.fourBits, { tokens: 1024 }, half, 2.16],
  ["float32, 1 × 128", weights.f32, { tokens: 128 }, single, 3.05],
])("training Qwen3-0.6B is estimated within a tenth: %s", (_name, bytes, settings, compute, measured) => {
  const facts = { ...commonTraining, tunedLayers: 28, ...settings };
  expect(Math.abs(memoryToTrain(qwen3, bytes, facts, compute) / 1e9 / measured - 1)).toBeLessThan(0.1);
});

test.each([
  ["bfloat16 after 512 tokens", weights.bf16, 520, 1.43],
  ["4 bits after 2048 tokens", weights.fourBits, 2056, 1.02],
])("answering is estimated within a tenth: %s", (_name, bytes, tokens, measured) => {
  expect(Math.abs(memoryToRun(qwen3, bytes, tokens, half) / 1e9 / measured - 1)).toBeLessThan(0.1);
});
