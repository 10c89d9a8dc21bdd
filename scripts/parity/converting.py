"""converted/NAME: the copy of a toy that `mlx_lm.convert` makes, beside the flags that it was made with and its logits."""

from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_map
from mlx_lm import convert
from mlx_lm.utils import dequantize_model, load_model

from .families import LOGIT_POSITIONS
from .files import ROOT, fresh_folder, write_json
from .toys import LLAMA, write_toy

# Nine layers, so that a recipe of two widths has first, middle and last ones.
DEEP = LLAMA | {
    "num_hidden_layers": 9,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "tie_word_embeddings": False,
}
DEEP_FOLDER = "converted/deep-source"
# name: source, keyword arguments of `convert`
CASES = {
    "affine-2bit": ("models/llama", {"q_bits": 2, "q_group_size": 32}),
    "affine-5bit": ("models/qwen3", {"q_bits": 5}),
    "mxfp4": ("models/llama", {"q_mode": "mxfp4"}),
    "nvfp4": ("models/qwen3", {"q_mode": "nvfp4"}),
    "mxfp8": ("models/qwen3-untied", {"q_mode": "mxfp8"}),
    "mxfp4-experts": ("models/qwen3-moe", {"q_mode": "mxfp4"}),
    "nvfp4-experts": ("models/mixtral", {"q_mode": "nvfp4"}),
    "mxfp8-bfloat16": ("models/qwen3", {"q_mode": "mxfp8", "dtype": "bfloat16"}),
    "mixed_2_6": (DEEP_FOLDER, {"quant_predicate": "mixed_2_6", "q_group_size": 32}),
    "mixed_3_4": (DEEP_FOLDER, {"quant_predicate": "mixed_3_4", "q_group_size": 32}),
    "mixed_3_6": (DEEP_FOLDER, {"quant_predicate": "mixed_3_6"}),
    "mixed_4_6": (DEEP_FOLDER, {"quant_predicate": "mixed_4_6", "q_group_size": 64}),
    "mixed_3_6-experts": ("models/qwen3-moe", {"quant_predicate": "mixed_3_6", "q_group_size": 32}),
    "dequantized-affine": ("models/qwen3-moe-4bit-g32", {"dequantize": True}),
    "dequantized-mxfp4": ("converted/mxfp4", {"dequantize": True}),
}
PROMPT = [(i * 31 + 7) % 288 for i in range(40)]
KEPT = {"config.json", "model.safetensors", "model.safetensors.index.json"}


def write() -> None:
    fresh_folder(ROOT / "converted")
    write_toy(ROOT / DEEP_FOLDER, DEEP, seed=900)
    for name, (source, options) in CASES.items():
        folder = ROOT / "converted" / name
        convert(str(ROOT / source), str(folder), **({} if "dequantize" in options else {"quantize": True}), **options)
        write_json(folder / "case.json", {"source": source, "options": options} | expectation(folder))
    # mlx-lm reads no source without them, and Cygnet's tests need none in its copies.
    for name in CASES:
        for path in (ROOT / "converted" / name).iterdir():
            if path.name not in KEPT | {"case.json"}:
                path.unlink()


def expectation(folder: Path) -> dict:
    """`logits` as mlx-lm computes them, in the model's own dtype; `exact_logits` of its unpacked weights in float32."""
    model, _ = load_model(folder)
    logits = last_logits(model)
    exact = dequantize_model(in_float32(model))
    return {"prompt_ids": PROMPT, "logits": logits, "exact_logits": last_logits(in_float32(exact))}


def in_float32(model):
    model.update(tree_map(lambda w: w.astype(mx.float32) if mx.issubdtype(w.dtype, mx.floating) else w, model.parameters()))
    return model


def last_logits(model) -> list:
    logits = model(mx.array([PROMPT]))[0, -LOGIT_POSITIONS:].astype(mx.float32)
    return [[round(x, 6) for x in row] for row in logits.tolist()]
