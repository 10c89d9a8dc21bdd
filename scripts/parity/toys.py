"""Toy Hugging Face folders with random weights, and the tokenizer that they share."""

import json
import shutil
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map_with_path
from mlx_lm.utils import _get_classes
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from .files import fresh_folder, write_json

VOCAB_SIZE = 288
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CORPUS = [
    "the user asks and the assistant answers in a short sentence",
    "what is the colour of the sky and how many legs has a spider",
    "system user assistant 你好 你是谁 我是一个小模型",
]

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "vocab_size": VOCAB_SIZE,
    "max_position_embeddings": 512,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "eos_token_id": 2,
    "torch_dtype": "float32",
}
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1}
SMALL_QWEN3 = SMALL | {"head_dim": 32}
MISTRAL = LLAMA | {"model_type": "mistral", "architectures": ["MistralForCausalLM"], "tie_word_embeddings": False}
QWEN2 = LLAMA | {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "rope_theta": 1000000.0, "rms_norm_eps": 1e-6}
QWEN3 = QWEN2 | {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "head_dim": 16}
QWEN3_MOE = QWEN3 | {
    "model_type": "qwen3_moe",
    "architectures": ["Qwen3MoeForCausalLM"],
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "norm_topk_prob": True,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
MIXTRAL = MISTRAL | {
    "model_type": "mixtral",
    "architectures": ["MixtralForCausalLM"],
    "rope_theta": 1000000.0,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
}
LLAMA3_SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


def write_tokenizer(folder: Path) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=[AddedToken(t, special=True) for t in SPECIAL],
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 2, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": 512,
            "clean_up_tokenization_spaces": False,
            "chat_template": CHATML,
        },
    )


def random_parameters(model, seed: int) -> None:
    """Weights with logits of a spread of a few units: norms near 1, biases small, matrices of variance 1.5² / in."""
    key = mx.random.key(seed)

    def draw(name, value):
        nonlocal key
        key, sub = mx.random.split(key)
        noise = mx.random.normal(value.shape, key=sub)
        if "norm" in name:
            return 1 + 0.2 * noise
        if name.endswith("bias"):
            return 0.2 * noise
        if "embed_tokens" in name:
            return 0.3 * noise
        return noise * (1.5 / value.shape[-1] ** 0.5)

    model.update(tree_map_with_path(draw, model.parameters()))


def write_toy(folder: Path, config: dict, seed: int, dtype=mx.float32, shards: int = 1, written_config=None) -> None:
    """A model folder. `written_config` differs from `config` where mlx-lm cannot read the spelling that we test."""
    fresh_folder(folder)
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(config))
    random_parameters(model, seed)
    weights = {name: value.astype(dtype) for name, value in tree_flatten(model.parameters())}
    mx.eval(weights)
    save_weights(folder, weights, shards)
    write_json(folder / "config.json", written_config or config)
    write_tokenizer(folder)


def save_weights(folder: Path, weights: dict, shards: int) -> None:
    if shards == 1:
        mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "pt"})
        return
    names = sorted(weights)
    weight_map = {}
    for i in range(shards):
        name = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        part = {n: weights[n] for n in names[i::shards]}
        mx.save_safetensors(str(folder / name), part, metadata={"format": "pt"})
        weight_map |= {n: name for n in part}
    total = sum(w.nbytes for w in weights.values())
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})


def with_config(folder: Path, config: dict, target: Path) -> Path:
    """A copy of a model folder under another config.json."""
    shutil.copytree(folder, target, dirs_exist_ok=True)
    (target / "config.json").write_text(json.dumps(config))
    return target
