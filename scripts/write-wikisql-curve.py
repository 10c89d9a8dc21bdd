"""Writes test/fixtures/wikisql-curve.json: what mlx-lm's trainer reports for stories260K on WikiSQL.

    PYTHON_WITH_MLX_LM scripts/write-wikisql-curve.py ../shared/data

Run by hand, with mlx-lm 0.32.2 on MLX 0.32.4 (CPU). test/shared-data.test.ts compares.
"""

import json
import sys
import tempfile
from pathlib import Path

from parity.curves import run

shared = Path(sys.argv[1]).resolve()
config = {
    "model": "stories260K",
    "data": "wikisql",
    "train": True,
    "seed": 0,
    "fine_tune_type": "lora",
    "num_layers": -1,
    "batch_size": 4,
    "iters": 50,
    "val_batches": 5,
    "learning_rate": 1e-3,
    "steps_per_report": 1,
    "steps_per_eval": 25,
    "save_every": 1000,
    "max_seq_length": 512,
    "lora_parameters": {"rank": 8, "scale": 20.0, "dropout": 0.0},
}
paths = {"model": str(shared / config["model"]), "data": str(shared / config["data"])}
with tempfile.TemporaryDirectory() as folder:
    recorder = run(config | paths, Path(folder))
target = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "wikisql-curve.json"
target.write_text(json.dumps({"config": config, "train": recorder.train, "validation": recorder.validation}, indent=1) + "\n")
