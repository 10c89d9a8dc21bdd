"""Writes a qwen3 model folder as a GGUF file in F16, for llama.cpp: write-gguf.py FOLDER FILE.

The vocabulary is that of the folder's tokenizer.json, a byte-level BPE.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors import safe_open


def main(folder, file):
    config = json.loads((folder / "config.json").read_text())
    blocks = config["num_hidden_layers"]
    writer = gguf.GGUFWriter(file, "qwen3")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)

    bpe = json.loads((folder / "tokenizer.json").read_text())["model"]
    tokens = sorted(bpe["vocab"], key=bpe["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens))
    writer.add_token_merges([" ".join(merge) for merge in bpe["merges"]])
    writer.add_add_bos_token(False)
    # The format wants one; requests say that it ends nothing.
    writer.add_eos_token_id(0)

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, blocks)
    with safe_open(folder / "model.safetensors", framework="numpy") as weights:
        for name in weights.keys():
            weight = weights.get_tensor(name)
            # llama.cpp keeps the weights of norms in float32.
            kind = np.float32 if weight.ndim == 1 else np.float16
            writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), weight.astype(kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main(Path(sys.argv[1]), Path(sys.argv[2]))
