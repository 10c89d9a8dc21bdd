"""Writes test/fixtures/peft/: toys with adapters as Python peft saves them, and the logits that it computes.

Run by hand, never by `npm test`:

    python3 -m venv v && v/bin/pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2
    v/bin/python scripts/write-peft-fixtures.py
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

ROOT = Path(__file__).resolve().parent.parent / "test/fixtures/peft"
PROMPTS = [[5], [1, 2, 3, 4, 5, 6, 7]]
SIZES = dict(
    vocab_size=32,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=64,
    initializer_range=0.3,
)
TOYS = {
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=8, tie_word_embeddings=True)),
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZES, head_dim=8, attention_bias=True)),
}
ADAPTERS = {
    "qwen3": {
        "lora": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"]),
        "rslora": dict(
            r=4,
            lora_alpha=6,
            use_rslora=True,
            target_modules=r".*layers\.1\..*(gate|up|o)_proj",
            rank_pattern={"gate_proj": 2},
            alpha_pattern={r"layers\.1\.mlp\.up_proj": 3},
        ),
    },
    "llama": {
        "dora": dict(r=3, lora_alpha=6, use_dora=True, target_modules="all-linear", lora_dropout=0.1),
        "saved": dict(r=2, lora_alpha=2, target_modules=["embed_tokens", "k_proj"], modules_to_save=["lm_head"]),
    },
}


@torch.no_grad()
def write_adapter(name: str, toy: str, folder: Path, settings: dict, seed: int) -> None:
    torch.manual_seed(seed)
    model_class, _ = TOYS[toy]
    base = model_class.from_pretrained(folder / "model", dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings)).eval()
    for key, parameter in model.named_parameters():
        if "modules_to_save" in key or "magnitude" in key:
            parameter.mul_(1 + 0.2 * torch.rand_like(parameter))
    model.save_pretrained(folder / name)
    (folder / name / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / name / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = f"toys/{toy}"
    (folder / name / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    cases = []
    for prompt in PROMPTS:
        logits = model(torch.tensor([prompt])).logits[0, -1]
        cases.append({"prompt_ids": prompt, "logits": [round(x, 6) for x in logits.tolist()]})
    (folder / name / "expected.json").write_text(json.dumps({"cases": cases}) + "\n")


def main() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    for seed, (toy, (model_class, config)) in enumerate(TOYS.items()):
        torch.manual_seed(seed)
        folder = ROOT / toy
        model_class(config).save_pretrained(folder / "model")
        (folder / "model/generation_config.json").unlink(missing_ok=True)
        for each, (name, settings) in enumerate(ADAPTERS[toy].items()):
            write_adapter(name, toy, folder, settings, 10 * seed + each)


main()
