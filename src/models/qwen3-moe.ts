// Reference: mlx-lm models/qwen3_moe.py. Qwen3 whose MLPs, all or some, are mixtures of experts: Qwen3-30B-A3B and Qwen3-Coder.
import { z } from "zod";
import type { Quantization } from "../core/ops.ts";
import type { Weights } from "../core/safetensors.ts";
import { type AttentionOptions, Llama, MLP, TransformerBlock } from "./llama.ts";
import { Qwen3Config } from "./qwen3.ts";
import { SparseMLP, stackExperts } from "./sparse-mlp.ts";

const Fields = Qwen3Config.extend({
  num_experts: z.int().nullish(),
  /** What transformers 5 calls it. */
  num_local_experts: z.int().nullish(),
  num_experts_per_tok: z.int(),
  moe_intermediate_size: z.int(),
  /** Every so many layers have experts. */
  decoder_sparse_step: z.int().default(1),
  /** Layers without experts. */
  mlp_only_layers: z
    .array(z.int())
    .nullish()
    .transform((layers) => layers ?? []),
  norm_topk_prob: z.boolean().default(false),
});
export const Qwen3MoeConfig = Fields.transform((config, context) => {
  const expertCount = config.num_experts ?? config.num_local_experts;
  if (typeof expertCount === "number") return { ...config, expertCount };
  context.addIssue({ code: "custom", path: ["num_experts"], message: "is missing" });
  return z.NEVER;
});
export type Qwen3MoeConfig = z.infer<typeof Qwen3MoeConfig>;

const attention: AttentionOptions = { qkvBias: false, outputBias: false, qkNorm: true, defaultTheta: 1_000_000 };

export class Qwen3Moe extends Llama {
  declare readonly config: Qwen3MoeConfig;

  constructor(config: Qwen3MoeConfig) {
    super(config, attention, (layer) => new TransformerBlock(config, attention, mlpOf(config, layer)));
  }

  override sanitize(weights: Weights): Weights {
    return stackExperts(super.sanitize(weights), this.config.expertCount);
  }

  /** A router chooses between close scores, so it is packed finely. */
  override quantizationOf(path: string): Quantization | undefined {
    return path.endsWith("mlp.gate") ? { group_size: 64, bits: 8, mode: "affine" } : undefined;
  }
}

function mlpOf(config: Qwen3MoeConfig, layer: number): SparseMLP | MLP {
  const { expertCount, decoder_sparse_step, mlp_only_layers } = config;
  const isSparse = expertCount > 0 && !mlp_only_layers.includes(layer) && (layer + 1) % decoder_sparse_step === 0;
  if (!isSparse) return new MLP(config);
  return new SparseMLP({
    hiddenSize: config.hidden_size,
    intermediateSize: config.moe_intermediate_size,
    expertCount,
    chosenCount: config.num_experts_per_tok,
    normalize: config.norm_topk_prob,
  });
}
