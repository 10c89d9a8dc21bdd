"""models/NAME: a toy folder beside expected.json, which holds prompts, logits and greedy ids by mlx-lm."""

import shutil
import tempfile
from pathlib import Path

import mlx.core as mx
from mlx_lm import convert, load
from mlx_lm.generate import generate_step

from .files import ROOT, fresh_folder, write_json
from .toys import (
    LLAMA,
    LLAMA3_SCALING,
    MISTRAL,
    MIXTRAL,
    QWEN2,
    QWEN3,
    QWEN3_MOE,
    SMALL,
    SMALL_QWEN3,
    with_config,
    write_toy,
)

QUESTION = [{"role": "user", "content": "what is the colour of the sky? 你好"}]
LONG_TEXT = "the assistant answers in a short sentence, and then the user asks how many legs has a spider. " * 2
GREEDY_TOKENS = 24
LOGIT_POSITIONS = 2


def nested(config: dict) -> dict:
    """The newer spelling of a config: everything about rotary embedding inside `rope_parameters`."""
    rest = {k: v for k, v in config.items() if k not in ("rope_theta", "rope_scaling")}
    scaling = config.get("rope_scaling") or {"rope_type": "default"}
    return rest | {"rope_parameters": scaling | {"rope_theta": config["rope_theta"]}}


def toys() -> list:
    """name, config, keyword arguments of `write_toy`."""
    llama3 = LLAMA | SMALL | {"rope_theta": 500000.0, "rope_scaling": LLAMA3_SCALING}
    linear = LLAMA | SMALL | {"rope_scaling": {"type": "linear", "factor": 4.0}}
    qwen2_small = QWEN2 | SMALL
    return [
        ("llama", LLAMA, {}),
        ("llama-untied", LLAMA | SMALL | {"tie_word_embeddings": False}, {}),
        ("llama-biases", LLAMA | SMALL | {"attention_bias": True, "mlp_bias": True}, {}),
        ("llama-rope-llama3", llama3, {}),
        ("llama-rope-linear", linear, {}),
        ("llama-rope-parameters-llama3", llama3, {"written_config": nested(llama3)}),
        ("llama-bfloat16", LLAMA | SMALL | {"torch_dtype": "bfloat16"}, {"dtype": mx.bfloat16}),
        ("llama-float16", LLAMA | SMALL | {"torch_dtype": "float16"}, {"dtype": mx.float16}),
        ("mistral", MISTRAL | SMALL | {"head_dim": 32}, {}),
        ("qwen2", qwen2_small, {}),
        ("qwen2-rope-parameters", qwen2_small, {"written_config": nested(qwen2_small)}),
        ("qwen2-untied", qwen2_small | {"tie_word_embeddings": False}, {}),
        ("qwen3", QWEN3, {}),
        ("qwen3-untied", QWEN3 | SMALL_QWEN3 | {"tie_word_embeddings": False}, {}),
        ("qwen3-rope-parameters", QWEN3 | SMALL_QWEN3, {"written_config": nested(QWEN3 | SMALL_QWEN3)}),
        ("qwen3-bfloat16", QWEN3 | SMALL_QWEN3 | {"torch_dtype": "bfloat16"}, {"dtype": mx.bfloat16}),
        ("qwen3-sharded", QWEN3 | SMALL_QWEN3, {"shards": 2}),
        ("qwen3-moe", QWEN3_MOE, {}),
        (
            "qwen3-moe-dense-block",
            QWEN3_MOE | SMALL_QWEN3 | {"num_experts": 4, "mlp_only_layers": [0], "norm_topk_prob": False},
            {},
        ),
        ("mixtral", MIXTRAL | SMALL, {}),
    ]


def mixed_bits(path: str, module) -> bool | dict:
    """8 bits for the embedding, 4 for the second block, the output projections left alone, the rest at the default."""
    if "embed_tokens" in path:
        return {"group_size": 64, "bits": 8}
    if "o_proj" in path:
        return False
    return {"group_size": 32, "bits": 4} if "layers.1" in path else {"group_size": 32, "bits": 6}


QUANTIZED = [
    ("llama-4bit-g64", "llama", {"q_bits": 4, "q_group_size": 64}),
    ("llama-4bit-g32-bfloat16", "llama", {"q_bits": 4, "q_group_size": 32, "dtype": "bfloat16"}),
    ("llama-untied-8bit-g32", "llama-untied", {"q_bits": 8, "q_group_size": 32}),
    ("qwen3-4bit-g32", "qwen3-sharded", {"q_bits": 4, "q_group_size": 32}),
    ("qwen3-8bit-g64", "qwen3", {"q_bits": 8, "q_group_size": 64}),
    ("qwen3-3bit-g32", "qwen3-sharded", {"q_bits": 3, "q_group_size": 32}),
    ("qwen3-untied-6bit-g32", "qwen3-untied", {"q_bits": 6, "q_group_size": 32}),
    ("qwen3-mixed", "qwen3", {"q_bits": 4, "q_group_size": 32, "quant_predicate": mixed_bits}),
    ("qwen3-moe-4bit-g32", "qwen3-moe", {"q_bits": 4, "q_group_size": 32}),
    ("qwen2-4bit-g32", "qwen2", {"q_bits": 4, "q_group_size": 32}),
]


def write() -> None:
    models = fresh_folder(ROOT / "models")
    for seed, (name, config, options) in enumerate(toys()):
        write_toy(models / name, config, seed=100 + seed, **options)
        write_expected(models / name, config, "written_config" in options)
    for name, base, options in QUANTIZED:
        convert(str(models / base), str(models / name), quantize=True, **options)
        (models / name / "README.md").unlink(missing_ok=True)
        (models / name / "expected.json").unlink(missing_ok=True)
        write_expected(models / name, None, False)


def write_expected(folder: Path, config: dict | None, read_flat: bool) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        source = with_config(folder, config, Path(scratch) / "flat") if read_flat else folder
        model, tokenizer = load(str(source))
    chat = tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True, return_dict=False)
    prompts = [chat, tokenizer.encode(LONG_TEXT), [5]]
    write_json(folder / "expected.json", {"cases": [expectation(model, ids) for ids in prompts]}, indent=None)


def expectation(model, ids: list) -> dict:
    logits = model(mx.array([ids]))[0, -LOGIT_POSITIONS:].astype(mx.float32)
    greedy, margins = [], []
    for token, logprobs in generate_step(mx.array(ids), model, max_tokens=GREEDY_TOKENS):
        greedy.append(int(token))
        top = mx.sort(logprobs.astype(mx.float32))
        margins.append((top[-1] - top[-2]).item())
    return {
        "prompt_ids": ids,
        # Rows are the last positions of the prompt, in order.
        "logits": [[round(x, 6) for x in row] for row in logits.tolist()],
        "greedy_ids": greedy,
        # How far the chosen token led the next: below the tolerance, another choice is as right.
        "greedy_margins": [round(m, 5) for m in margins],
    }
