"""One measurement of mlx-lm in a process of its own. The task is the JSON of the first argument, the result one line of JSON.

ours.mjs does the same with Cygnet, step for step. The training step is mlx-lm's own: its loss, its layers, compiled as
its trainer compiles it.
"""

import ctypes
import hashlib
import json
import platform
import resource
import shutil
import sys
import time
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import version
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_map
from mlx_lm.generate import BatchGenerator, generate_step
from mlx_lm.tuner.trainer import _clear_cache, default_loss
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import load_model, quantize_model, save_config, save_model


def train(task):
    """LoRA steps over one batch of full rows. The first step only warms up."""
    model = loaded(task)
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


def generate(task):
    """Greedy tokens after a prompt: seconds to the first one, and seconds for all others."""
    model = loaded(task)
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


def rows(task):
    """Greedy tokens after the first of some prompts, then of more, together: seconds to the first one of each row, and for all others."""
    model = loaded(task)
    together(model, [task["prompts"][0][:1]], 0)
    batches, ids = [], []
    for count in task["counts"]:
        seconds, tokens = together(model, task["prompts"][:count], task["tokens"])
        batches.append({"rows": count, **seconds})
        ids += tokens
    return {"batches": batches, "ids": ids}


def together(model, prompts, tokens):
    generator = BatchGenerator(model, max_tokens=tokens + 1, prefill_batch_size=len(prompts))
    ids = []
    start = first = time.perf_counter()
    generator.insert(prompts)
    while responses := generator.next_generated():
        if not ids:
            first = time.perf_counter()
        ids += [response.token for response in sorted(responses, key=lambda response: response.uid)]
    seconds = {"prefill": first - start, "decode": time.perf_counter() - first}
    generator.close()
    return seconds, ids


def load(task):
    """Seconds to load the model, and from the start of the process to the first token."""
    start = time.perf_counter()
    model, _ = load_model(Path(task["model"]))
    seconds = time.perf_counter() - start
    # With one token or more, generate_step computes another before it hands out the first.
    for _ in generate_step(mx.array(task["prompt"]), model, max_tokens=0):
        pass
    return {"load": seconds, "first": time.time() - task["startedAt"] / 1000}


def convert(task):
    """Seconds to write a packed copy of a model, the bytes of its source, and a digest of the copy's weights.

    The steps of mlx_lm.convert, which wants a tokenizer.
    """
    source, target = Path(task["source"]), Path(task["target"])
    shutil.rmtree(target, ignore_errors=True)
    start = time.perf_counter()
    model, config = load_model(source, lazy=True)
    dtype = getattr(mx, config["torch_dtype"])
    model.update(tree_map(lambda weight: weight.astype(dtype), model.parameters()))
    model, config = quantize_model(model, config, task["groupSize"], task["bits"])
    save_model(target, model, donate_model=True)
    save_config(config, target / "config.json")
    seconds = time.perf_counter() - start
    peak = memory("VmHWM")
    with open(target / "model.safetensors", "rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    shutil.rmtree(target)
    size = (source / "model.safetensors").stat().st_size
    return {"seconds": [seconds], "bytes": size, "digest": digest, "peakRss": peak}


def loaded(task):
    model, _ = load_model(Path(task["model"]))
    mx.reset_peak_memory()
    return model


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
    kinds = {"train": train, "generate": generate, "rows": rows, "load": load, "convert": convert, "facts": lambda task: {}}
    # quantize_model tells of its work.
    with redirect_stdout(sys.stderr):
        measured = kinds[task["kind"]](task)
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
    print(json.dumps({**facts, **measured}))


main()
