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
