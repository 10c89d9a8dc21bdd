"""Compares two converted model folders in Python mlx-lm: tensors bit for bit, and the logits that it computes from each.

    python scripts/check-copy-with-mlx-lm.py OURS THEIRS

Exits with 1 when they differ.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import mlx.core as mx  # noqa: E402
from mlx_lm.utils import load_model  # noqa: E402


def weights_of(folder: Path) -> dict:
    return {name: w for path in sorted(folder.glob("model*.safetensors")) for name, w in mx.load(str(path)).items()}


def logits_of(folder: Path) -> mx.array:
    model, config = load_model(folder)
    ids = [(i * 31 + 7) % config["vocab_size"] for i in range(40)]
    return model(mx.array([ids])).astype(mx.float32)


def same_bits(a: mx.array, b: mx.array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and mx.all(mx.view(a, mx.uint8) == mx.view(b, mx.uint8)).item()


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    ours, theirs = map(Path, sys.argv[1:])
    a, b = weights_of(ours), weights_of(theirs)
    unlike = [name for name in sorted(a.keys() | b.keys()) if name not in a or name not in b or not same_bits(a[name], b[name])]
    difference = mx.abs(logits_of(ours) - logits_of(theirs)).max().item()
    print(f"{len(b)} tensors, {len(unlike)} differ {unlike[:5]}; logits differ by {difference}")
    sys.exit(1 if unlike or difference else 0)


if __name__ == "__main__":
    main()
