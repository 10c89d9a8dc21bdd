"""Loads an adapter folder with Python mlx-lm and prints, as JSON, its losses on a data folder and its answers.

    python scripts/check-adapter-with-mlx-lm.py ADAPTER MODEL DATA [PROMPT ...]

mask_prompt and max_seq_length come from the folder's adapter_config.json. Losses are token-weighted means over all rows
of a split, one row a batch, and count targets as mlx-lm does.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from mlx_lm import generate, load  # noqa: E402
from parity.losses import split_loss  # noqa: E402


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    adapter, model_path, data, *prompts = sys.argv[1:]
    config = json.loads((Path(adapter) / "adapter_config.json").read_text())
    model, tokenizer = load(model_path, adapter_path=adapter)
    splits = [s for s in ("train", "valid", "test") if (Path(data) / f"{s}.jsonl").exists()]
    losses = {split: split_loss(model, tokenizer, Path(data), split, config) for split in splits}
    answers = []
    for prompt in prompts:
        messages = [{"role": "user", "content": prompt}]
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        answers.append({"prompt": prompt, "text": generate(model, tokenizer, ids, max_tokens=64)})
    print(json.dumps({"losses": losses, "answers": answers}, ensure_ascii=False))


if __name__ == "__main__":
    main()
