"""One measurement of mlx-lm in a process of its own. The task is the JSON of the first argument, the result one line of JSON.

ours.mjs does the same with Cygnet, step for step. The training step is mlx-lm's own: its loss, its layers, compiled as
its trainer compiles it.
"""

import ctypes
import json
import platform
import resource
import sys
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx_lm.generate import generate_step
from mlx_lm.tuner.trainer import _clear_cache, default_loss
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import load_model


def train(model, task):
    """LoRA steps over one batch of full rows. The first step only warms up."""
    mx.random.seed(task["seed"])
    model.freeze()
    linear_to_lora_layers(model, -1, {"rank": task["rank"], "scale": task["scale"], "dropout": 0.0})
    model.train()
    optimizer = optim.Adam(learning_rate=task["learningRate"])
    batch = mx.array(task["batch"])
    lengths = mx.array([[0, len(row)] for row in task["batch"]])
    value_and_grad = nn.value_and_grad(model, default_loss)
    state = [model.state, optimizer.state, mx.random.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(batch, lengths):
        (loss, tokens), gradients = value_and_grad(model, batch, lengths)
        optimizer.update(model, gradients)
        return loss, tokens

    losses, seconds = [], []
    for _ in range(task["steps"] + 1):
        start = time.perf_counter()
        loss, tokens = step(batch, lengths)
        mx.eval(state, loss, tokens)
        _clear_cache(0)
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
    return {"losses": losses, "seconds": seconds[1:]}


def generate(model, task):
    """Greedy tokens after a prompt: seconds to the first one, and seconds for all others."""
    prompt = mx.array(task["prompt"])
    for _ in generate_step(prompt[:8], model, max_tokens=2):
        pass
    prefill, decode, ids = [], [], []
    for _ in range(task["repeats"]):
        ids = []
        start = first = time.perf_counter()
        for token, _ in generate_step(prompt, model, max_tokens=task["tokens"] + 1):
            if not ids:
                first = time.perf_counter()
            ids.append(int(token))
        prefill.append(first - start)
        decode.append(time.perf_counter() - first)
    return {"prefill": prefill, "decode": decode, "ids": ids}


def memory(field):
    """Bytes that the process holds (VmRSS) or held at most (VmHWM)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def blas():
    """The OpenBLAS in the process, if there is one."""
    try:
        config = ctypes.CDLL(None).openblas_get_config
    except AttributeError:
        return None
    config.restype = ctypes.c_char_p
    return " ".join(config().decode().split()[:2])


def main():
    task = json.loads(sys.argv[1])
    imported = memory("VmRSS")
    model, _ = load_model(Path(task["model"]))
    mx.reset_peak_memory()
    measured = train(model, task) if task["kind"] == "train" else generate(model, task)
    facts = {
        "mlx": mx.__version__,
        "mlxLm": version("mlx-lm"),
        "python": platform.python_version(),
        "blas": blas(),
        "peakMemory": mx.get_peak_memory(),
        "importedRss": imported,
        "peakRss": memory("VmHWM"),
        "cpuSeconds": time.process_time(),
    }
    print(json.dumps({**measured, **facts}))


main()
