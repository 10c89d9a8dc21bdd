"""Draws of numpy's legacy generator, which orders mlx-lm's batches."""

import numpy as np

from .files import ROOT, write_json

SINGLE = [(0, 1), (0, 2), (0, 7), (1, 10), (7, 32), (42, 33), (123, 64), (2**31 - 1, 100), (2**32 - 1, 17), (5, 1000)]
# Train order first, then one permutation per validation: the interplay of the trainer.
INTERLEAVED = [(0, [7, 2, 2, 2, 7, 2, 7, 7]), (3, [1, 1, 5, 300, 5, 1, 0, 12]), (19, [25, 3] * 6)]


def write() -> None:
    cases = []
    for seed, n in SINGLE:
        np.random.seed(seed)
        cases.append({"seed": seed, "sizes": [n], "permutations": [np.random.permutation(n).tolist()]})
    for seed, sizes in INTERLEAVED:
        np.random.seed(seed)
        cases.append({"seed": seed, "sizes": sizes, "permutations": [np.random.permutation(n).tolist() for n in sizes]})
    write_json(ROOT / "permutations.json", cases, indent=None)
