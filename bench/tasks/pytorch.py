"""One measurement of PyTorch, transformers and PEFT in a process of its own.

The task is the JSON of the first argument, the result one line of JSON, as with ours.mjs. Rank, scale and layers equal
mlx-lm's: PEFT's alpha is scale times rank. In bfloat16 PEFT keeps the adapters in float32, its default.
"""

import json
import os
import platform
import resource
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, DynamicCache

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def train(model, task):
    """LoRA steps over one batch of full rows. The first step only warms up."""
    torch.manual_seed(task["seed"])
    alpha = int(task["rank"] * task["scale"])
    model = get_peft_model(model, LoraConfig(r=task["rank"], lora_alpha=alpha, target_modules=PROJECTIONS))
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=task["learningRate"], weight_decay=0)
    batch = torch.tensor(task["batch"])
    inputs, targets = batch[:, :-1], batch[:, 1:].contiguous()
    losses, seconds = [], []
    for step in range(1, task["steps"] + 2):
        # Undoes the bias correction, which mlx-lm's Adam has not, so that losses after an update can be compared.
        optimizer.param_groups[0]["lr"] = task["learningRate"] * (1 - 0.9**step) / (1 - 0.999**step) ** 0.5
        start = time.perf_counter()
        loss = model(input_ids=inputs, labels=targets, shift_labels=targets, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    return {"losses": losses, "seconds": seconds[1:]}


def greedy(model, tokens, cache):
    """The likeliest next token of each row, [B, 1]."""
    logits = model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    return logits[:, -1].argmax(-1, keepdim=True)


@torch.inference_mode()
def generate(model, task):
    """Greedy tokens after a prompt: seconds to the first one, and seconds for all others."""
    model.eval()
    prompt = torch.tensor([task["prompt"]])
    greedy(model, prompt[:, :8], DynamicCache(config=model.config))
    prefill, decode, ids = [], [], []
    for _ in range(task["repeats"]):
        cache = DynamicCache(config=model.config)
        start = time.perf_counter()
        token = greedy(model, prompt, cache)
        ids = [token.item()]
        first = time.perf_counter()
        for _ in range(task["tokens"]):
            token = greedy(model, token, cache)
            ids.append(token.item())
        prefill.append(first - start)
        decode.append(time.perf_counter() - first)
    return {"prefill": prefill, "decode": decode, "ids": ids}


def peaks(task):
    """Operations a second of large products, and bytes a second of reading: what this machine can do."""
    return {
        "float32": product_speed(torch.float32, task["size"]),
        "bfloat16": product_speed(torch.bfloat16, task["size"]),
        "read": read_speed(task["bytes"]),
    }


def product_speed(dtype, size):
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    return 2 * size**3 / typical(lambda: a @ b)


def read_speed(size):
    """The faster of a sum and a matrix-vector product."""
    matrix = torch.ones(size // 4 // 4096, 4096)
    vector = torch.ones(4096)
    return matrix.nbytes / min(typical(matrix.sum), typical(lambda: matrix @ vector))


def typical(call):
    """Seconds of a large computation: the median of six, after one."""
    call()
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def memory(field):
    """Bytes that the process holds (VmRSS) or held at most (VmHWM)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def computed(task):
    """What the task measures on a model."""
    dtype = getattr(torch, task["dtype"])
    model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=dtype, attn_implementation="sdpa")
    return train(model, task) if task["kind"] == "train" else generate(model, task)


def main():
    task = json.loads(sys.argv[1])
    # PyTorch takes half of the processors where two are one core, which is faster there.
    imported = memory("VmRSS")
    measured = peaks(task) if task["kind"] == "peaks" else computed(task)
    facts = {
        "torch": version("torch"),
        "transformers": version("transformers"),
        "peft": version("peft"),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "importedRss": imported,
        "peakRss": memory("VmHWM"),
        "cpuSeconds": time.process_time(),
    }
    print(json.dumps({**measured, **facts}))


main()
