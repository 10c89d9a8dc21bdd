"""Parameters after each of a few steps of MLX's optimizers, and values of its schedules."""

import mlx.core as mx
import mlx.optimizers as optim
from mlx_lm.tuner.utils import build_schedule

from .files import ROOT, fresh_folder, write_json

STEPS = 6
OPTIMIZERS = [
    ("adam", "Adam", {"learning_rate": 0.01}),
    ("adam-bias-correction", "Adam", {"learning_rate": 0.01, "bias_correction": True, "betas": [0.8, 0.95]}),
    ("adam-eps", "Adam", {"learning_rate": 0.01, "eps": 1e-3}),
    ("adamw", "AdamW", {"learning_rate": 0.01}),
    ("adamw-bias-correction", "AdamW", {"learning_rate": 0.01, "weight_decay": 0.2, "bias_correction": True}),
    ("sgd", "SGD", {"learning_rate": 0.1}),
    ("sgd-momentum", "SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("sgd-momentum-dampening", "SGD", {"learning_rate": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("sgd-nesterov", "SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("sgd-weight-decay", "SGD", {"learning_rate": 0.1, "momentum": 0.8, "weight_decay": 0.1}),
]
SCHEDULES = [
    {"name": "cosine_decay", "arguments": [1e-3, 10]},
    {"name": "cosine_decay", "arguments": [1e-3, 10, 1e-5]},
    {"name": "cosine_decay", "arguments": [1e-3, 6, 1e-7], "warmup": 2, "warmup_init": 1e-7},
    {"name": "cosine_decay", "arguments": [1e-3, 8], "warmup": 4},
    {"name": "linear_schedule", "arguments": [0.0, 1e-2, 7]},
    {"name": "linear_schedule", "arguments": [1e-2, 1e-4, 5], "warmup": 3},
    {"name": "exponential_decay", "arguments": [1e-1, 0.9]},
    {"name": "exponential_decay", "arguments": [1e-1, 0.9], "warmup": 3, "warmup_init": 0.01},
    {"name": "step_decay", "arguments": [1e-1, 0.5, 4]},
]


def write() -> None:
    folder = fresh_folder(ROOT / "optimizers")
    cases = [optimizer_case(*case, dtype) for case in OPTIMIZERS for dtype in (mx.float32,)]
    cases += [optimizer_case(*case, mx.bfloat16) for case in (OPTIMIZERS[0], OPTIMIZERS[3])]
    write_json(folder / "optimizers.json", {"cases": cases}, indent=None)
    write_json(folder / "schedules.json", {"cases": [schedule_case(s) for s in SCHEDULES]}, indent=None)


def optimizer_case(name: str, class_name: str, arguments: dict, dtype) -> dict:
    parameters = {"w": mx.array([[0.5, -1.25, 2.0], [0.03, -0.4, 0.0]]).astype(dtype), "b": mx.array([1.0, -2.0]).astype(dtype)}
    optimizer = getattr(optim, class_name)(**arguments)
    gradients, after, rates = [], [], []
    start = numbers(parameters)
    for step in range(STEPS):
        key = mx.random.key(step)
        gradient = {
            k: mx.random.normal(p.shape, key=key).astype(dtype) * (0 if step == 3 else 1) for k, p in parameters.items()
        }
        parameters = optimizer.apply_gradients(gradient, parameters)
        mx.eval(parameters, optimizer.state)
        gradients.append(numbers(gradient))
        after.append(numbers(parameters))
        rates.append(optimizer.learning_rate.item())
    return {
        "name": name,
        "optimizer": class_name.lower(),
        "arguments": arguments,
        "dtype": str(dtype).removeprefix("mlx.core."),
        "start": start,
        "gradients": gradients,
        "parameters": after,
        "learning_rates": rates,
    }


def numbers(tree: dict) -> dict:
    return {k: v.astype(mx.float32).tolist() for k, v in tree.items()}


def schedule_case(config: dict) -> dict:
    schedule = build_schedule(config)
    value = lambda step: mx.array(schedule(mx.array(step))).item()
    return {"lr_schedule": config, "values": [value(step) for step in range(20)]}
