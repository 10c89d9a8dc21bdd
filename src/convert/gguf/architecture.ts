// The metadata that llama.cpp reads of each architecture: its src/llama-arch.cpp and gguf-py/gguf/constants.py.
import { z } from "zod";
import { scope } from "../../core/scope.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { Llama } from "../../models/llama.ts";
import type { ModelConfig } from "../../models/load.ts";
import { RoPE, RopeSettings } from "../../nn/rope.ts";
import { UserError } from "../../protocol/user-error.ts";
import { float32, type Metadata, type MetadataValue, text, uint32 } from "./metadata.ts";

interface Architecture {
  /** llama.cpp's name. */
  name: "llama" | "qwen2" | "qwen3" | "qwen3moe";
  /** It rotates neighbours of a head, not its halves: rows of queries and keys are put in that order. */
  rotatesPairs: boolean;
  /** What transformers takes where config.json does not say how long a text may be. */
  contextLength: number;
}

/** llama.cpp's architecture for each `model_type`. */
const architectures: Record<string, Architecture> = {
  llama: { name: "llama", rotatesPairs: true, contextLength: 2048 },
  mistral: { name: "llama", rotatesPairs: true, contextLength: 131_072 },
  mixtral: { name: "llama", rotatesPairs: true, contextLength: 131_072 },
  qwen2: { name: "qwen2", rotatesPairs: false, contextLength: 32_768 },
  qwen3: { name: "qwen3", rotatesPairs: false, contextLength: 32_768 },
  qwen3_moe: { name: "qwen3moe", rotatesPairs: false, contextLength: 32_768 },
};

export const ModelFields = z.looseObject({
  model_type: z.string(),
  hidden_size: z.int(),
  num_hidden_layers: z.int(),
  intermediate_size: z.int(),
  num_attention_heads: z.int(),
  num_key_value_heads: z.int().nullish(),
  head_dim: z.int().nullish(),
  rms_norm_eps: z.number(),
  vocab_size: z.int(),
  max_position_embeddings: z.int().nullish(),
  rope_traditional: z.boolean().nullish(),
  rope_scaling: RopeSettings.nullish(),
  rope_parameters: RopeSettings.nullish(),
  num_local_experts: z.int().nullish(),
  num_experts: z.int().nullish(),
  num_experts_per_tok: z.int().nullish(),
  moe_intermediate_size: z.int().nullish(),
  norm_topk_prob: z.boolean().nullish(),
  bos_token_id: z.int().nullish().catch(undefined),
});
export type ModelFields = z.infer<typeof ModelFields>;

/** A model, and what its architecture's files say of it. */
export interface ExportedModel {
  model: Llama;
  config: ModelFields;
  architecture: Architecture;
  heads: number;
  kvHeads: number;
  headSize: number;
  /** Of each block that has them; 0: none. */
  experts: number;
}

/** @throws UserError for a family or a setting that llama.cpp does not compute. */
export function exportedModel(model: LanguageModel, given: ModelConfig, source: string): ExportedModel {
  const config = ModelFields.parse(given);
  const architecture = architectures[config.model_type];
  if (!architecture || !(model instanceof Llama)) {
    const supported = Object.keys(architectures);
    throw new UserError("gguf/family", { type: config.model_type, source, supported });
  }
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  const headSize = config.head_dim ?? config.hidden_size / heads;
  const isMixture = config.model_type === "mixtral" || config.model_type === "qwen3_moe";
  const experts = isMixture ? (config.num_experts ?? config.num_local_experts ?? 8) : 0;
  const exported = { model, config, architecture, heads, kvHeads, headSize, experts };
  requireComputable(exported, source);
  return exported;
}

/** What `model_type` a GGUF file's architecture is; undefined: none that is known. */
export function modelTypeOf(name: string, experts: number): string | undefined {
  const types = Object.keys(architectures).filter((type) => architectures[type]?.name === name);
  return name === "llama" && experts > 0 ? "mixtral" : types[0];
}

export function rotatesPairs(modelType: string): boolean {
  return architectures[modelType]?.rotatesPairs ?? false;
}

function requireComputable({ model, config, headSize, heads, architecture }: ExportedModel, source: string): void {
  const refuse = (setting: string) => {
    throw new UserError("gguf/setting", { setting, architecture: architecture.name, source });
  };
  if (config.rope_traditional) refuse("rope_traditional: true");
  if (config.model_type === "qwen2" && headSize * heads !== config.hidden_size) refuse(`head_dim: ${headSize}`);
  if (config.model_type !== "qwen3_moe") return;
  if (config.norm_topk_prob !== true) refuse("norm_topk_prob: false");
  const paths = Object.keys(model.parameters());
  const dense = model.blocks.findIndex((_, i) => !paths.some((path) => path.startsWith(`model.layers.${i}.mlp.gate.`)));
  if (dense >= 0) refuse("mlp_only_layers, decoder_sparse_step");
}

/** The keys that begin with the architecture's name. */
export function architectureMetadata(exported: ExportedModel): Metadata {
  const { config, architecture, heads, kvHeads, headSize, experts } = exported;
  const { name, contextLength } = architecture;
  const settings = config.rope_parameters ?? config.rope_scaling ?? {};
  const isLinear = (settings.rope_type ?? settings.type) === "linear";
  const entries: [string, MetadataValue | undefined][] = [
    ["block_count", uint32(config.num_hidden_layers)],
    ["context_length", uint32(config.max_position_embeddings ?? contextLength)],
    ["embedding_length", uint32(config.hidden_size)],
    ["feed_forward_length", uint32(config.intermediate_size)],
    ["attention.head_count", uint32(heads)],
    ["attention.head_count_kv", uint32(kvHeads)],
    ["attention.key_length", uint32(headSize)],
    ["attention.value_length", uint32(headSize)],
    ["attention.layer_norm_rms_epsilon", float32(config.rms_norm_eps)],
    ["rope.dimension_count", uint32(headSize)],
    ["rope.freq_base", float32(ropeOf(exported).theta)],
    ["rope.scaling.type", isLinear ? text("linear") : undefined],
    ["rope.scaling.factor", isLinear ? float32(settings.factor ?? 1) : undefined],
    ["vocab_size", uint32(config.vocab_size)],
    ["expert_count", experts > 0 ? uint32(experts) : undefined],
    ["expert_used_count", experts > 0 ? uint32(config.num_experts_per_tok ?? 2) : undefined],
    [
      "expert_feed_forward_length",
      config.model_type === "qwen3_moe" ? uint32(config.moe_intermediate_size ?? 0) : undefined,
    ],
  ];
  return new Map(entries.flatMap(([key, value]) => (value ? [[`${name}.${key}`, value] as const] : [])));
}

/** Llama 3's stretching of each wavelength, [headSize / 2]; undefined: there is none. */
export function ropeFactors(exported: ExportedModel): Float32Array | undefined {
  const { options, theta } = ropeOf(exported);
  const wavelengths = scope(() => options.freqs?.toFloat32());
  return wavelengths?.map((radius, i) => radius / theta ** ((2 * i) / exported.headSize));
}

function ropeOf({ model }: ExportedModel): RoPE {
  const rope = model.find("model.layers.0.self_attn.rope");
  if (rope instanceof RoPE) return rope;
  throw new Error("a block has no rotary embedding");
}
