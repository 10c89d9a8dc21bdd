import { z } from "zod";
import { UserError } from "../../protocol/user-error.ts";
import { modelTypeOf } from "./architecture.ts";
import { plainMetadata } from "./metadata.ts";
import type { GgufFile } from "./reader.ts";
import { llama3Settings } from "./rope-settings.ts";

const int = z.int();
const Fields = z.looseObject({
  block_count: int,
  context_length: int.optional(),
  embedding_length: int,
  feed_forward_length: int,
  "attention.head_count": int,
  "attention.head_count_kv": int.optional(),
  "attention.key_length": int.optional(),
  "attention.layer_norm_rms_epsilon": z.number(),
  "rope.freq_base": z.number().optional(),
  "rope.scaling.type": z.string().optional(),
  "rope.scaling.factor": z.number().optional(),
  expert_count: int.optional(),
  expert_used_count: int.optional(),
  expert_feed_forward_length: int.optional(),
});

const classes: Record<string, string> = {
  llama: "LlamaForCausalLM",
  mixtral: "MixtralForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  qwen3_moe: "Qwen3MoeForCausalLM",
};

export interface ImportedConfig {
  modelType: string;
  headSize: number;
  /** What stands in config.json. */
  config: Record<string, unknown>;
}

/**
 * The config.json of the model in a GGUF file. factors: of `rope_freqs.weight`, where there is one
 * @throws UserError for an architecture that Cygnet does not compute, or metadata that are not there.
 */
export function importedConfig(file: GgufFile, factors: Float32Array | undefined): ImportedConfig {
  const { path, tensors } = file;
  const metadata = plainMetadata(file.metadata);
  const name = String(metadata["general.architecture"]);
  const start = `${name}.`;
  const own = Object.entries(metadata).flatMap(([key, value]) =>
    key.startsWith(start) ? [[key.slice(start.length), value] as const] : [],
  );
  const parsed = Fields.safeParse(Object.fromEntries(own));
  const modelType = modelTypeOf(name, parsed.data?.expert_count ?? 0);
  if (modelType === undefined) {
    throw new UserError("gguf/architecture", { path, name, known: ["llama", "qwen2", "qwen3", "qwen3moe"] });
  }
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${start}${issue.path.join(".")}: ${issue.message}`);
    throw new UserError("gguf/metadata", { path, problems });
  }
  const f = parsed.data;
  const heads = f["attention.head_count"];
  const headSize = f["attention.key_length"] ?? f.embedding_length / heads;
  const has = (tensor: string) => tensors.has(tensor);
  const rope = ropeScaling(f, factors, headSize, path);
  const config = {
    architectures: [classes[modelType]],
    model_type: modelType,
    hidden_size: f.embedding_length,
    num_hidden_layers: f.block_count,
    intermediate_size: f.feed_forward_length,
    num_attention_heads: heads,
    num_key_value_heads: f["attention.head_count_kv"] ?? heads,
    head_dim: headSize,
    rms_norm_eps: Number(f["attention.layer_norm_rms_epsilon"].toPrecision(7)),
    vocab_size: tensors.get("token_embd.weight")?.shape[0] ?? 0,
    max_position_embeddings: f.context_length,
    rope_theta: f["rope.freq_base"] ?? 10_000,
    ...(rope ? { rope_scaling: rope } : {}),
    tie_word_embeddings: !has("output.weight"),
    ...(modelType === "llama"
      ? { attention_bias: has("blk.0.attn_output.bias"), mlp_bias: has("blk.0.ffn_gate.bias") }
      : {}),
    ...expertFields(modelType, f),
    hidden_act: "silu",
  };
  return { modelType, headSize, config };
}

function expertFields(modelType: string, f: z.infer<typeof Fields>): Record<string, unknown> {
  if (modelType === "mixtral") {
    return { num_local_experts: f.expert_count, num_experts_per_tok: f.expert_used_count };
  }
  if (modelType !== "qwen3_moe") return {};
  return {
    num_experts: f.expert_count,
    num_experts_per_tok: f.expert_used_count,
    moe_intermediate_size: f.expert_feed_forward_length,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
    // llama.cpp always lets the shares of the chosen sum to 1.
    norm_topk_prob: true,
  };
}

function ropeScaling(
  f: z.infer<typeof Fields>,
  factors: Float32Array | undefined,
  headSize: number,
  path: string,
): object | undefined {
  const type = f["rope.scaling.type"] ?? "none";
  if (type === "linear") return { rope_type: "linear", factor: f["rope.scaling.factor"] ?? 1 };
  if (type !== "none") throw new UserError("gguf/rope-scaling", { path, type });
  if (!factors) return undefined;
  const settings = llama3Settings(factors, headSize, f["rope.freq_base"] ?? 10_000);
  if (settings) return settings;
  throw new UserError("gguf/rope-scaling", { path, type: "rope_freqs.weight" });
}
