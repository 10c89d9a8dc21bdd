"""Writes test/fixtures/parity/: the numbers that Python mlx-lm gives, for the parity tests to compare with.

Run by hand, never by `npm test`:

    python3 -m venv v && v/bin/pip install "mlx[cpu]==0.32.4" mlx-lm==0.32.2 rich
    v/bin/python scripts/write-parity-fixtures.py [PART ...]

PART is one of the names in `parts` below; without one, everything is written anew (about five minutes on two cores).
All weights and data are made here from fixed seeds, so two runs on one machine write the same files.
test/fixtures/parity/README.md describes the layout.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from parity import adapters, converting, curves, data, families, fusing, optimizers, permutations, perplexity  # noqa: E402
from parity.files import ROOT, write_json  # noqa: E402

parts = {
    "permutations": permutations.write,
    "optimizers": optimizers.write,
    "models": families.write,
    "data": data.write,
    "lora-init": adapters.write,
    "curves": curves.write,
    "fuse": fusing.write,
    "converted": converting.write,
    "perplexity": perplexity.write,
}


def main() -> None:
    chosen = sys.argv[1:] or list(parts)
    unknown = [name for name in chosen if name not in parts]
    if unknown:
        sys.exit(f"unknown part {unknown[0]}: choose from {', '.join(parts)}")
    for name in chosen:
        print(f"-- {name}", flush=True)
        parts[name]()
    write_index()


def write_index() -> None:
    """index.json lists every case by folder, so that a test can be one table."""
    folders = lambda name: sorted(p.name for p in (ROOT / name).iterdir() if p.is_dir())
    files = lambda name, suffix: sorted(p.name for p in (ROOT / name).glob(f"*{suffix}"))
    write_json(
        ROOT / "index.json",
        {
            "models": folders("models"),
            "data": folders("data"),
            "batches": files("batches", ".json"),
            "lora-init": files("lora-init", ".json"),
            "curves": folders("curves"),
            "fuse": folders("fuse"),
            "converted": [name for name in folders("converted") if (ROOT / "converted" / name / "case.json").exists()],
            "optimizers": files("optimizers", ".json"),
        },
    )


if __name__ == "__main__":
    main()
