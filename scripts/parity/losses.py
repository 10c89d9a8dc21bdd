"""mlx-lm's loss of a model on one split, rows one by one so that neither order nor leftovers matter."""

from pathlib import Path
from types import SimpleNamespace

from mlx_lm.tuner.datasets import CacheDataset, load_local_dataset
from mlx_lm.tuner.trainer import evaluate


def split_loss(model, tokenizer, data: Path, split: str, config: dict) -> float:
    options = SimpleNamespace(mask_prompt=config.get("mask_prompt", False))
    rows = dict(zip(("train", "valid", "test"), load_local_dataset(data, tokenizer, options)))[split]
    return evaluate(model, CacheDataset(rows), 1, -1, config.get("max_seq_length", 2048))
