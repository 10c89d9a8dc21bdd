// Reference: mlx-lm models/llama.py. Llama 2 and 3.x, CodeLlama, and all that share their shape.
// B batch · L tokens · D hidden · H query heads · K key/value heads · E head size
import { z } from "zod";
import { decoderBlock } from "../core/decoder-block.ts";
import * as fast from "../core/fast.ts";
import { type HeadAttention, headAttention, type KeyValueStore } from "../core/head-attention.ts";
import type { Weights } from "../core/safetensors.ts";
import type { Tensor } from "../core/tensor.ts";
import { Embedding, type EmbeddingLayer } from "../nn/embedding.ts";
import { Linear, type LinearLayer, project } from "../nn/linear.ts";
import { Module } from "../nn/module.ts";
import { RMSNorm } from "../nn/norm.ts";
import { RoPE, ropeFields } from "../nn/rope.ts";
import { type Block, LanguageModel } from "./language-model.ts";

export const LlamaConfig = z.looseObject({
  model_type: z.string(),
  hidden_size: z.int(),
  num_hidden_layers: z.int(),
  intermediate_size: z.int(),
  num_attention_heads: z.int(),
  num_key_value_heads: z.int().nullish(),
  head_dim: z.int().nullish(),
  rms_norm_eps: z.number(),
  vocab_size: z.int(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  ...ropeFields,
});
export type LlamaConfig = z.infer<typeof LlamaConfig>;

/** What sets the families of this shape apart. */
export interface AttentionOptions {
  /** Biases of the query, key and value projections. */
  qkvBias: boolean;
  outputBias: boolean;
  /** Normalizes each head's queries and keys. */
  qkNorm: boolean;
  defaultTheta: number;
}

export class Attention extends Module {
  q_proj: LinearLayer;
  k_proj: LinearLayer;
  v_proj: LinearLayer;
  o_proj: LinearLayer;
  declare q_norm?: RMSNorm;
  declare k_norm?: RMSNorm;
  rope: RoPE;
  readonly #heads: { H: number; K: number; E: number };

  constructor(config: LlamaConfig, { qkvBias, outputBias, qkNorm, defaultTheta }: AttentionOptions) {
    super();
    const { hidden_size: D, num_attention_heads: H, rms_norm_eps: eps } = config;
    const K = config.num_key_value_heads ?? H;
    const E = config.head_dim ?? D / H;
    this.q_proj = new Linear(D, H * E, { bias: qkvBias });
    this.k_proj = new Linear(D, K * E, { bias: qkvBias });
    this.v_proj = new Linear(D, K * E, { bias: qkvBias });
    this.o_proj = new Linear(H * E, D, { bias: outputBias });
    if (qkNorm) {
      this.q_norm = new RMSNorm(E, eps);
      this.k_norm = new RMSNorm(E, eps);
    }
    this.#heads = { H, K, E };
    this.rope = new RoPE(E, config, defaultTheta);
  }

  /** x: [B, L, D] → [B, L, D] */
  forward(x: Tensor, mask: fast.AttentionMask, cache?: KeyValueStore): Tensor {
    const [q, k, v] = project(x, [this.q_proj, this.k_proj, this.v_proj]);
    return this.o_proj.forward(headAttention(q, k, v, { ...this.rule(mask), cache }));
  }

  /** What happens between the projections. */
  rule(mask: fast.AttentionMask): HeadAttention {
    const { H, K, E } = this.#heads;
    const { q_norm, k_norm } = this;
    const norms = q_norm && k_norm && { q: q_norm.weight, k: k_norm.weight, eps: q_norm.eps };
    return { heads: H, kvHeads: K, norms, rope: this.rope.options, scale: E ** -0.5, mask };
  }

  get headSize(): number {
    return this.#heads.E;
  }
}

/** down(silu(gate(x)) · up(x)) */
export class MLP extends Module {
  gate_proj: LinearLayer;
  down_proj: LinearLayer;
  up_proj: LinearLayer;

  constructor({ hidden_size: D, intermediate_size, mlp_bias: bias }: LlamaConfig) {
    super();
    this.gate_proj = new Linear(D, intermediate_size, { bias });
    this.down_proj = new Linear(intermediate_size, D, { bias });
    this.up_proj = new Linear(D, intermediate_size, { bias });
  }

  forward(x: Tensor): Tensor {
    const [gate, up] = project(x, [this.gate_proj, this.up_proj]);
    return this.down_proj.forward(fast.swiglu(gate, up));
  }
}

/** What follows attention in a block. x: [B, L, D] → [B, L, D] */
export interface FeedForward extends Module {
  forward(x: Tensor): Tensor;
}

export class TransformerBlock extends Module implements Block {
  self_attn: Attention;
  mlp: FeedForward;
  input_layernorm: RMSNorm;
  post_attention_layernorm: RMSNorm;

  constructor(config: LlamaConfig, options: AttentionOptions, mlp?: FeedForward) {
    super();
    this.self_attn = new Attention(config, options);
    this.mlp = mlp ?? new MLP(config);
    this.input_layernorm = new RMSNorm(config.hidden_size, config.rms_norm_eps);
    this.post_attention_layernorm = new RMSNorm(config.hidden_size, config.rms_norm_eps);
  }

  forward(x: Tensor, mask: fast.AttentionMask, cache?: KeyValueStore): Tensor {
    return (cache && this.#fused(x, mask, cache)) ?? this.#composed(x, mask, cache);
  }

  #fused(x: Tensor, mask: fast.AttentionMask, cache: KeyValueStore): Tensor | undefined {
    const { self_attn, mlp } = this;
    if (!(mlp instanceof MLP)) return undefined;
    const { q_proj, k_proj, v_proj, o_proj } = self_attn;
    const layers = [q_proj, k_proj, v_proj, o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj];
    return decoderBlock(x, {
      attentionNorm: this.input_layernorm,
      mlpNorm: this.post_attention_layernorm,
      headSize: self_attn.headSize,
      attention: { ...self_attn.rule(mask), cache },
      layers: layers.map((layer) => layer.projection()),
    });
  }

  #composed(x: Tensor, mask: fast.AttentionMask, cache?: KeyValueStore): Tensor {
    const [normed, start] = this.input_layernorm.residual(x);
    const attended = this.self_attn.forward(normed, mask, cache);
    const [normedAgain, h] = this.post_attention_layernorm.residual(start, attended);
    return fast.add(h, this.mlp.forward(normedAgain));
  }
}

export class LlamaModel extends Module {
  embed_tokens: EmbeddingLayer;
  layers: Block[];
  norm: RMSNorm;

  constructor(config: LlamaConfig, makeBlock: (layer: number) => Block) {
    super();
    this.embed_tokens = new Embedding(config.vocab_size, config.hidden_size);
    this.layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => makeBlock(layer));
    this.norm = new RMSNorm(config.hidden_size, config.rms_norm_eps);
  }
}

export class Llama extends LanguageModel {
  model: LlamaModel;
  declare lm_head?: LinearLayer;

  constructor(
    readonly config: LlamaConfig,
    options: AttentionOptions = {
      qkvBias: config.attention_bias,
      outputBias: config.attention_bias,
      qkNorm: false,
      defaultTheta: 10_000,
    },
    makeBlock: (layer: number) => Block = () => new TransformerBlock(config, options),
  ) {
    super();
    this.model = new LlamaModel(config, makeBlock);
    if (!config.tie_word_embeddings) this.lm_head = new Linear(config.hidden_size, config.vocab_size, { bias: false });
  }

  override get blocks(): Block[] {
    return this.model.layers;
  }
  override get head(): LinearLayer | EmbeddingLayer {
    return this.lm_head ?? this.model.embed_tokens;
  }

  override embed(tokens: Tensor): Tensor {
    return this.model.embed_tokens.forward(tokens);
  }

  override normalize(h: Tensor): Tensor {
    return this.model.norm.forward(h);
  }

  override logits(hidden: Tensor): Tensor {
    return this.lm_head ? this.lm_head.forward(hidden) : this.model.embed_tokens.asLinear(hidden);
  }

  /** Drops what checkpoints store and the model computes or shares. */
  override sanitize(weights: Weights): Weights {
    const tied = this.lm_head === undefined;
    return Object.fromEntries(
      Object.entries(weights).filter(
        ([name]) => !name.includes("rotary_emb.inv_freq") && !(tied && name.startsWith("lm_head.")),
      ),
    );
  }
}
