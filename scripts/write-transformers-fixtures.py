"""Writes test/fixtures/transformers/: toys as Python transformers saves them, and the logits that it computes.

Run by hand, never by `npm test`:

    python3 -m venv v && v/bin/pip install torch==2.15.0 transformers==5.23.0
    v/bin/python scripts/write-transformers-fixtures.py

Here the config and the names of weights are the hub's own, where the fixtures of write-parity-fixtures.py have mlx-lm's.
"""

import json
import shutil
from pathlib import Path

import torch
from transformers import MixtralConfig, MixtralForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

ROOT = Path(__file__).resolve().parent.parent / "test/fixtures/transformers"
GREEDY_TOKENS = 24
LOGIT_POSITIONS = 2
PROMPTS = [[5], [1, 2, 3, 4, 5, 6, 7], [(7 * i + 3) % 64 for i in range(40)]]
SIZES = dict(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=48,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=128,
    num_experts_per_tok=2,
    initializer_range=0.3,
)
QWEN3_MOE = SIZES | dict(head_dim=16, num_experts=4, moe_intermediate_size=16)
LINEAR = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
TOYS = {
    "qwen3-moe": (
        Qwen3MoeForCausalLM,
        Qwen3MoeConfig(**QWEN3_MOE, num_hidden_layers=2, norm_topk_prob=True, rope_parameters={"rope_theta": 5e5}),
    ),
    "qwen3-moe-dense-blocks": (
        Qwen3MoeForCausalLM,
        Qwen3MoeConfig(
            **QWEN3_MOE,
            num_hidden_layers=4,
            decoder_sparse_step=2,
            mlp_only_layers=[3],
            norm_topk_prob=False,
            tie_word_embeddings=True,
            rope_parameters=LINEAR,
        ),
    ),
    "mixtral": (MixtralForCausalLM, MixtralConfig(**SIZES, num_hidden_layers=2, num_local_experts=4)),
}


def write(name: str, model_class: type, config, seed: int) -> None:
    torch.manual_seed(seed)
    model = model_class(config).eval()
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    cases = [expectation(model, ids) for ids in PROMPTS]
    (folder / "expected.json").write_text(json.dumps({"cases": cases}) + "\n")


@torch.no_grad()
def expectation(model, prompt: list) -> dict:
    logits = model(torch.tensor([prompt])).logits[0, -LOGIT_POSITIONS:]
    greedy, margins = [], []
    for _ in range(GREEDY_TOKENS):
        last = model(torch.tensor([prompt + greedy])).logits[0, -1]
        top = last.topk(2)
        greedy.append(top.indices[0].item())
        margins.append(round((top.values[0] - top.values[1]).item(), 5))
    return {
        "prompt_ids": prompt,
        "logits": [[round(x, 6) for x in row] for row in logits.tolist()],
        "greedy_ids": greedy,
        "greedy_margins": margins,
    }


if __name__ == "__main__":
    for seed, (name, (model_class, config)) in enumerate(TOYS.items()):
        write(name, model_class, config, seed)
