"""fuse/NAME: a base, an adapter of `curves`, and the folder that mlx_lm.fuse makes of them."""

import subprocess
import sys

from .files import ROOT, fresh_folder, write_json

CASES = {
    "dora": ("models/qwen3-untied", "curves/dora/adapter", []),
    "lora": ("models/mistral", "curves/adam-mistral-completions/adapter", []),
    "experts": ("models/mixtral", "curves/lora-mixtral/adapter", []),
    "experts-quantized": ("models/qwen3-moe-4bit-g32", "curves/qlora-qwen3-moe/adapter", []),
    "quantized": ("models/qwen3-4bit-g32", "curves/qlora-4bit/adapter", []),
    "dequantized": ("models/qwen3-4bit-g32", "curves/qlora-4bit/adapter", ["--dequantize"]),
}
# What a fused folder holds besides its weights and config is the base's own.
KEPT = {"model.safetensors", "config.json"}


def write() -> None:
    fresh_folder(ROOT / "fuse")
    for name, (model, adapter, flags) in CASES.items():
        folder = fresh_folder(ROOT / "fuse" / name)
        paths = ["--model", ROOT / model, "--adapter-path", ROOT / adapter, "--save-path", folder / "fused"]
        subprocess.run([sys.executable, "-m", "mlx_lm", "fuse", *map(str, paths), *flags], check=True)
        for path in (folder / "fused").iterdir():
            if path.name not in KEPT:
                path.unlink()
        write_json(folder / "case.json", {"model": model, "adapter": adapter, "dequantize": "--dequantize" in flags})
