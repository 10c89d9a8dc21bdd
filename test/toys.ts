import * as random from "../src/core/random.ts";
import type { LanguageModel } from "../src/models/language-model.ts";
import { buildModel } from "../src/models/load.ts";

/** The config of a toy of one block unless more are asked for, grouped heads, and a vocabulary of 24. */
export function toyConfig(model_type: string, changes: Record<string, unknown> = {}) {
  return {
    model_type,
    hidden_size: 8,
    num_hidden_layers: 1,
    intermediate_size: 12,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 4,
    rms_norm_eps: 1e-5,
    vocab_size: 24,
    tie_word_embeddings: true,
    ...changes,
  };
}

/** That toy with random weights from a fixed seed. */
export function toyModel(model_type: string, changes: Record<string, unknown> = {}, seed = 1): LanguageModel {
  random.seed(seed);
  return buildModel(toyConfig(model_type, changes), "a toy").train(false);
}

const experts = { num_experts: 5, num_experts_per_tok: 3, moe_intermediate_size: 6, norm_topk_prob: true };

/** A toy of every architecture, and of what sets their configs apart. */
export const familyToys: readonly (readonly [name: string, type: string, changes: Record<string, unknown>])[] = [
  ["llama", "llama", {}],
  ["llama with biases, untied", "llama", { attention_bias: true, mlp_bias: true, tie_word_embeddings: false }],
  ["llama 3 rope", "llama", { rope_scaling: { rope_type: "llama3", factor: 8, original_max_position_embeddings: 32 } }],
  ["mistral", "mistral", { num_key_value_heads: 1 }],
  ["qwen2", "qwen2", { head_dim: undefined, num_key_value_heads: 4 }],
  ["qwen3", "qwen3", {}],
  ["qwen3_moe", "qwen3_moe", experts],
  [
    "qwen3_moe, a dense block, shares as they are",
    "qwen3_moe",
    { ...experts, mlp_only_layers: [1], norm_topk_prob: false },
  ],
  ["mixtral", "mixtral", { num_local_experts: 3 }],
];
