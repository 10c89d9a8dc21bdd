"""curves/NAME: config.yaml of a run and curve.json, what mlx-lm's own training code reports for it."""

import copy
import json
import types
from pathlib import Path

import mlx.core as mx
import yaml
from mlx_lm import generate, load, lora
from mlx_lm.tuner.callbacks import TrainingCallback

from .files import ROOT, fresh_folder, write_json
from .losses import split_loss

BASE = {
    "model": "models/qwen3",
    "train": True,
    "data": "data/chat",
    "seed": 0,
    "fine_tune_type": "lora",
    "num_layers": 2,
    "batch_size": 4,
    "iters": 50,
    "val_batches": -1,
    "learning_rate": 1e-3,
    "steps_per_report": 1,
    "steps_per_eval": 10,
    "save_every": 1000,
    "max_seq_length": 256,
    "lora_parameters": {"rank": 4, "scale": 10.0, "dropout": 0.0},
}
ATTENTION = {"rank": 8, "scale": 20.0, "dropout": 0.0, "keys": ["self_attn.q_proj", "self_attn.v_proj"]}
CASES = {
    "adam": {"optimizer": "adam", "test": True},
    "adam-llama-text": {"model": "models/llama", "data": "data/text", "seed": 7, "val_batches": 1},
    "adam-qwen2-rows-of-one": {"model": "models/qwen2", "batch_size": 1, "seed": 4, "val_batches": 3},
    "adam-mistral-completions": {"model": "models/mistral", "data": "data/completions", "batch_size": 3},
    "adam-bias-correction-masked": {
        "data": "data/completions",
        "mask_prompt": True,
        "optimizer": "adam",
        "optimizer_config": {"adam": {"bias_correction": True}},
    },
    "adamw-chat-masked": {
        "model": "models/llama",
        "num_layers": 1,
        "mask_prompt": True,
        "lora_parameters": ATTENTION,
        "optimizer": "adamw",
        "optimizer_config": {"adamw": {"weight_decay": 0.1}},
    },
    "sgd-momentum": {"optimizer": "sgd", "learning_rate": 0.02, "optimizer_config": {"sgd": {"momentum": 0.9}}},
    "grad-accumulation": {"grad_accumulation_steps": 2, "iters": 51, "seed": 3},
    "cosine-with-warmup": {
        "grad_accumulation_steps": 2,
        "lr_schedule": {"name": "cosine_decay", "arguments": [2e-3, 20, 1e-5], "warmup": 5, "warmup_init": 1e-7},
    },
    "truncated": {"max_seq_length": 48, "batch_size": 5, "mask_prompt": False},
    "qlora-4bit": {"model": "models/qwen3-4bit-g32"},
    "qlora-mixed-llama-8bit": {"model": "models/llama-untied-8bit-g32", "data": "data/text"},
    "lora-bfloat16": {"model": "models/qwen3-bfloat16"},
    "lora-qwen3-moe": {"model": "models/qwen3-moe"},
    # With seed 0 two experts tie at step 11, and rounding decides which one a token goes through.
    "qlora-qwen3-moe": {"model": "models/qwen3-moe-4bit-g32", "num_layers": 1, "seed": 2},
    "lora-mixtral": {"model": "models/mixtral", "data": "data/text", "num_layers": 1},
    "lora-head-and-embedding": {
        "model": "models/llama-untied",
        "num_layers": 1,
        "lora_parameters": ATTENTION | {"keys": ["self_attn.q_proj", "mlp.down_proj", "lm_head", "model.embed_tokens"]},
    },
    "full": {"model": "models/qwen3-untied", "fine_tune_type": "full", "num_layers": 1, "learning_rate": 1e-3},
    "full-all-layers-adamw": {
        "model": "models/llama-untied",
        "fine_tune_type": "full",
        "num_layers": -1,
        "optimizer": "adamw",
        "learning_rate": 1e-3,
    },
    "dora": {"model": "models/qwen3-untied", "fine_tune_type": "dora"},
}
# Runs whose final adapter is kept, with what the tuned model says.
KEPT = ["adam-mistral-completions", "qlora-4bit", "adamw-chat-masked", "full", "dora", "qlora-qwen3-moe", "lora-mixtral"]
PROMPTS = ["what is the colour of snow?", "how many legs has a dog?", "你是谁"]


class Recorder(TrainingCallback):
    def __init__(self):
        self.train, self.validation = [], []

    def on_train_loss_report(self, info: dict):
        kept = ("iteration", "train_loss", "learning_rate", "trained_tokens")
        self.train.append({k: info[k] for k in kept})

    def on_val_loss_report(self, info: dict):
        self.validation.append({k: info[k] for k in ("iteration", "val_loss")})


def write() -> None:
    fresh_folder(ROOT / "curves")
    for name, changes in CASES.items():
        print(name, flush=True)
        write_curve(name, BASE | changes)


def write_curve(name: str, config: dict) -> None:
    folder = fresh_folder(ROOT / "curves" / name)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    recorder = run(config, folder / "adapter")
    curve = {"train": recorder.train, "validation": recorder.validation}
    if config.get("test"):
        curve["test_loss"] = recorder.test_loss
    write_json(folder / "curve.json", curve, indent=None)
    if name in KEPT:
        keep_adapter(config, folder / "adapter")
    else:
        for path in [*(folder / "adapter").iterdir(), folder / "adapter"]:
            path.unlink() if path.is_file() else path.rmdir()


def run(config: dict, adapter_path: Path) -> Recorder:
    """mlx_lm.lora's own `run`, with the recorder in the place where it puts its trackers."""
    args = copy.deepcopy(lora.CONFIG_DEFAULTS) | copy.deepcopy(config) | {"adapter_path": str(adapter_path)}
    args |= {"model": str(ROOT / config["model"]), "data": str(ROOT / config["data"])}
    recorder = Recorder()
    lora.get_reporting_callbacks = lambda *_, **__: recorder
    evaluate = lora.evaluate

    def recorded(*positional, **named):
        recorder.test_loss = evaluate(*positional, **named)
        return recorder.test_loss

    lora.evaluate = recorded
    lora.run(types.SimpleNamespace(**args))
    lora.evaluate = evaluate
    return recorder


def keep_adapter(config: dict, adapter_path: Path) -> None:
    """adapter_config.json with paths relative to the fixtures, and expected.json: its losses and answers."""
    path = adapter_path / "adapter_config.json"
    saved = json.loads(path.read_text()) | {k: config[k] for k in ("model", "data")} | {"adapter_path": "adapter"}
    path.write_text(json.dumps(saved, indent=4, sort_keys=True) + "\n")
    model, tokenizer = load(str(ROOT / config["model"]), adapter_path=str(adapter_path))
    answers = []
    for prompt in PROMPTS:
        messages = [{"role": "user", "content": prompt}]
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        logits = model(mx.array([ids]))[0, -1].astype(mx.float32)
        text = generate(model, tokenizer, ids, max_tokens=24)
        answers.append({"prompt": prompt, "text": text, "logits": [round(x, 6) for x in logits.tolist()]})
    losses = {split: split_loss(model, tokenizer, ROOT / config["data"], split, config) for split in ("valid", "test")}
    write_json(adapter_path / "expected.json", {"losses": losses, "answers": answers}, indent=None)
