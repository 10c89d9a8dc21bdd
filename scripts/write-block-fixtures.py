"""Writes test/fixtures/blocks/: rows of floats and the blocks that llama.cpp makes of them.

Run by hand, never by `npm test`, with llama.cpp's libggml-base (built for any processor without fused products and sums):

    python3 scripts/write-block-fixtures.py path/to/libggml-base.so

source.f32 and importance.f32 are little-endian floats; TYPE.bin and TYPE-importance.bin are the blocks of all rows without and
with an importance; dequantized.json has the SHA-256 of the floats that TYPE.bin stands for.
"""

import ctypes
import hashlib
import json
import math
import random
import sys
from array import array
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "test/fixtures/blocks"
COLUMNS = 512
# Number in ggml, elements and bytes of a block, the name in its functions.
TYPES = {
    "q4_0": (2, 32, 18, "q4_0"),
    "q4_1": (3, 32, 20, "q4_1"),
    "q5_0": (6, 32, 22, "q5_0"),
    "q5_1": (7, 32, 24, "q5_1"),
    "q8_0": (8, 32, 34, "q8_0"),
    "q2_k": (10, 256, 84, "q2_K"),
    "q3_k": (11, 256, 110, "q3_K"),
    "q4_k": (12, 256, 144, "q4_K"),
    "q5_k": (13, 256, 176, "q5_K"),
    "q6_k": (14, 256, 210, "q6_K"),
    "iq4_nl": (20, 32, 18, "iq4_nl"),
}


def source():
    """One row for each kind of weights that a search may stumble over."""
    draw = random.Random(7).gauss
    rows = [
        lambda i: draw(0, 1),
        lambda i: 0.0,
        lambda i: 3.7,
        lambda i: -0.3,
        lambda i: 1e4 if i == 100 else draw(0, 1),  # one outlier
        lambda i: draw(0, 1e-7),  # scales that are subnormal in float16
        lambda i: draw(0, 1e-38),  # subnormal in float32
        lambda i: draw(0, 1e-15),  # around what counts as nothing
        lambda i: abs(draw(0, 1)),
        lambda i: -5.0001 if i % 32 == 31 else -5.0,
        lambda i: (-1.0 if i % 2 else 1.0) if i < 256 else (-0.0 if i % 3 else 0.0),  # ties
        lambda i: draw(0, 1) * math.exp(draw(0, 3)),  # of all magnitudes
    ]
    return array("f", [row(i) for row in rows for i in range(COLUMNS)])


def importance():
    draw = random.Random(8).gauss
    values = [math.exp(draw(0, 2)) for _ in range(COLUMNS)]
    values[96:136] = [0.0] * 40  # a whole part, and half of one
    return array("f", values)


def pointer(floats):
    return (ctypes.c_float * len(floats)).from_buffer(floats)


def main(library):
    ggml = ctypes.CDLL(library)
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p]
    ROOT.mkdir(parents=True, exist_ok=True)
    x, weights = source(), importance()
    (ROOT / "source.f32").write_bytes(x.tobytes())
    (ROOT / "importance.f32").write_bytes(weights.tobytes())
    hashes = {}
    for name, (number, elements, size, spelling) in TYPES.items():
        blocks = ctypes.create_string_buffer(len(x) // elements * size)
        for suffix, column_weights in (("-importance", pointer(weights)), ("", None)):
            ggml.ggml_quantize_chunk(number, pointer(x), blocks, 0, len(x) // COLUMNS, COLUMNS, column_weights)
            (ROOT / f"{name}{suffix}.bin").write_bytes(blocks.raw)
        floats = array("f", bytes(4 * len(x)))
        dequantize = getattr(ggml, f"dequantize_row_{spelling}")
        dequantize.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        dequantize.restype = None
        dequantize(blocks, pointer(floats), len(x))
        hashes[name] = hashlib.sha256(floats.tobytes()).hexdigest()
    (ROOT / "dequantized.json").write_text(json.dumps(hashes, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
