"""lora-init/NAME.{json,safetensors}: the first lora_a of every adapted module, bit for bit what mlx-lm draws."""

from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm import load
from mlx_lm.tuner.utils import linear_to_lora_layers

from .files import ROOT, fresh_folder, write_json

ATTENTION_KEYS = ["self_attn.q_proj", "self_attn.v_proj"]
EXPERT_KEYS = ["self_attn.q_proj", "mlp.switch_mlp.gate_proj", "mlp.switch_mlp.down_proj"]
RANK = 4


def write() -> None:
    folder = fresh_folder(ROOT / "lora-init")
    for model in ("llama", "qwen3", "qwen3-4bit-g32"):
        for seed in (0, 7):
            for layers in (1, 2):
                for suffix, keys in (("all", None), ("attention", ATTENTION_KEYS)):
                    write_init(folder, f"{model}-seed{seed}-layers{layers}-{suffix}", model, seed, layers, keys)
    write_init(folder, "qwen2-seed0-layers2-all", "qwen2", 0, 2, None)
    write_init(folder, "mistral-seed0-layers2-all", "mistral", 0, 2, None)
    write_init(folder, "qwen3-moe-seed0-layers1-all", "qwen3-moe", 0, 1, None)
    write_init(folder, "qwen3-moe-4bit-g32-seed7-layers1-experts", "qwen3-moe-4bit-g32", 7, 1, EXPERT_KEYS)
    write_init(folder, "mixtral-seed0-layers2-all", "mixtral", 0, 2, None)
    write_init(folder, "llama-seed0-layers1-embedding-and-attention", "llama", 0, 1, ATTENTION_KEYS + ["model.embed_tokens"])
    write_init(folder, "llama-untied-seed0-layers1-head", "llama-untied", 0, 1, ATTENTION_KEYS + ["lm_head"])
    write_init(folder, "qwen3-seed0-layers2-dora", "qwen3", 0, 2, None, dora=True)


def write_init(folder: Path, name: str, model_name: str, seed: int, layers: int, keys, dora: bool = False) -> None:
    model, _ = load(str(ROOT / "models" / model_name))
    # The trainer's order: the seed is set after the model is loaded, before the adapters are made.
    mx.random.seed(seed)
    model.freeze()
    parameters = {"rank": RANK, "scale": 20.0, "dropout": 0.0} | ({"keys": keys} if keys else {})
    linear_to_lora_layers(model, layers, parameters, use_dora=dora)
    trainable = dict(tree_flatten(model.trainable_parameters()))
    drawn = {k: v for k, v in trainable.items() if k.endswith(("lora_a", ".m"))}
    mx.save_safetensors(str(folder / f"{name}.safetensors"), drawn)
    case = {
        "model": f"models/{model_name}",
        "seed": seed,
        "num_layers": layers,
        "fine_tune_type": "dora" if dora else "lora",
        "lora_parameters": parameters,
        "trainable": {k: list(v.shape) for k, v in sorted(trainable.items())},
    }
    write_json(folder / f"{name}.json", case)
