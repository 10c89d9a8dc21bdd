// llama.cpp's names of tensors: gguf-py/gguf/constants.py.

const outer: Record<string, string> = {
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
  lm_head: "output",
};

/** Of a block, `model.layers.N.` → `blk.N.`. Experts lie stacked in both. */
const inner: Record<string, string> = {
  input_layernorm: "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  post_attention_layernorm: "ffn_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
  "mlp.gate": "ffn_gate_inp",
  "mlp.switch_mlp.gate_proj": "ffn_gate_exps",
  "mlp.switch_mlp.up_proj": "ffn_up_exps",
  "mlp.switch_mlp.down_proj": "ffn_down_exps",
};

/** Mixtral's name of what others call `mlp`. */
const mixtralMlp = "block_sparse_moe.";

/** The tensor of the layer at `path`, without `.weight` or `.bias`. */
export function ggufName(path: string): string {
  const [, block, name = ""] = /^model\.layers\.(\d+)\.(.+)$/.exec(path) ?? [];
  const found = block === undefined ? outer[path] : inner[name.replace(mixtralMlp, "mlp.")];
  if (found === undefined) throw new Error(`${path} has no name in GGUF`);
  return block === undefined ? found : `blk.${block}.${found}`;
}

/** The layer's path of a tensor, both without `.weight` or `.bias`; undefined: it is no layer's. */
export function layerPath(name: string, modelType: string): string | undefined {
  const [, block, own = ""] = /^blk\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (block === undefined) return Object.keys(outer).find((path) => outer[path] === name);
  const path = Object.keys(inner).find((each) => inner[each] === own);
  if (path === undefined) return undefined;
  const named = modelType === "mixtral" ? path.replace(/^mlp\./, mixtralMlp) : path;
  return `model.layers.${block}.${named}`;
}
