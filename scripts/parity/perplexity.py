"""perplexity.json: what `mlx_lm.perplexity` computes on rows of a data file, with and without an adapter."""

import json
import types

import mlx.core as mx
from mlx_lm import load
from mlx_lm.perplexity import eval_ppl
from mlx_lm.tuner.datasets import create_dataset

from .files import ROOT, write_json

SEQUENCE_LENGTH = 32
CASES = [
    ("models/qwen3", "data/chat/train.jsonl", None),
    ("models/llama", "data/chat/train.jsonl", "curves/adamw-chat-masked/adapter"),
    ("models/mistral", "data/completions/train.jsonl", "curves/adam-mistral-completions/adapter"),
    ("models/llama-4bit-g64", "data/text/train.jsonl", None),
]


def write() -> None:
    write_json(ROOT / "perplexity.json", [case(*arguments) for arguments in CASES])


def case(model_path: str, data: str, adapter: str | None) -> dict:
    model, tokenizer = load(str(ROOT / model_path), adapter_path=adapter and str(ROOT / adapter))
    rows = [json.loads(line) for line in (ROOT / data).read_text(encoding="utf-8").splitlines()]
    dataset = create_dataset(rows, tokenizer, types.SimpleNamespace(mask_prompt=False))
    ids = [token for i in range(len(dataset)) for token in dataset.process(dataset[i])[0]]
    count = len(ids) // SEQUENCE_LENGTH
    perplexity, error = eval_ppl(model, mx.array(ids[: count * SEQUENCE_LENGTH]).reshape(count, SEQUENCE_LENGTH))
    return {
        "model": model_path,
        "data": data,
        "adapter": adapter,
        "sequence_length": SEQUENCE_LENGTH,
        "rows": count,
        "perplexity": perplexity,
        "standard_error": error,
    }
