"""data/NAME/{train,valid,test}.jsonl in mlx-lm's forms, and the first batches that mlx-lm makes of them."""

from types import SimpleNamespace

import numpy as np
from mlx_lm.tuner.datasets import CacheDataset, load_local_dataset
from mlx_lm.tuner.trainer import iterate_batches
from mlx_lm.utils import load_tokenizer

from .files import ROOT, fresh_folder, write_json, write_rows

COLOURS = [("sky", "blue"), ("grass", "green"), ("snow", "white"), ("coal", "black"), ("rose", "red"), ("lemon", "yellow")]
ANIMALS = [("spider", "eight"), ("dog", "four"), ("bird", "two"), ("ant", "six"), ("fish", "no"), ("horse", "four")]
CHINESE = [("你是谁", "我是一个小模型。"), ("你好", "你好！"), ("天空是什么颜色", "蓝色。"), ("一加一等于几", "二。")]
TRAIN_ROWS, VALID_ROWS, TEST_ROWS = 31, 10, 6


def question_and_answer(i: int) -> tuple[str, str]:
    if i % 5 == 4:
        return CHINESE[(i // 5) % len(CHINESE)]
    if i % 2 == 0:
        thing, colour = COLOURS[(i // 2) % len(COLOURS)]
        return f"what is the colour of {thing}?", " ".join([f"the colour of {thing} is {colour}."] * (1 + i % 3))
    animal, count = ANIMALS[(i // 2) % len(ANIMALS)]
    return f"how many legs has a {animal}?", f"a {animal} has {count} legs." + " that is all i know." * (i % 4)


def chat_row(i: int) -> dict:
    question, answer = question_and_answer(i)
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    if i % 6 == 0:
        messages.insert(0, {"role": "system", "content": "answer in a short sentence."})
    if i % 7 == 3:
        messages += [{"role": "user", "content": "thanks"}, {"role": "assistant", "content": "you are welcome."}]
    return {"messages": messages}


def completions_row(i: int) -> dict:
    question, answer = question_and_answer(i)
    return {"prompt": question, "completion": answer}


def text_row(i: int) -> dict:
    question, answer = question_and_answer(i)
    # Some rows end in the end-of-text token already: mlx-lm adds no second one.
    return {"text": f"{question} {answer}" + ("<|im_end|>" if i % 8 == 5 else "")}


FORMS = {"chat": chat_row, "completions": completions_row, "text": text_row}
BATCHES = [
    ("chat", "chat", {"batch_size": 4, "max_seq_length": 256, "mask_prompt": False}),
    ("chat-masked", "chat", {"batch_size": 4, "max_seq_length": 256, "mask_prompt": True}),
    ("chat-truncated", "chat", {"batch_size": 5, "max_seq_length": 48, "mask_prompt": True}),
    ("completions", "completions", {"batch_size": 4, "max_seq_length": 256, "mask_prompt": False}),
    ("completions-masked", "completions", {"batch_size": 3, "max_seq_length": 256, "mask_prompt": True}),
    ("text", "text", {"batch_size": 4, "max_seq_length": 256, "mask_prompt": False}),
    ("text-single", "text", {"batch_size": 1, "max_seq_length": 40, "mask_prompt": False}),
]


def write() -> None:
    for form, row in FORMS.items():
        folder = fresh_folder(ROOT / "data" / form)
        start = 0
        for split, count in [("train", TRAIN_ROWS), ("valid", VALID_ROWS), ("test", TEST_ROWS)]:
            write_rows(folder / f"{split}.jsonl", [row(i) for i in range(start, start + count)])
            start += count
    fresh_folder(ROOT / "batches")
    for name, form, options in BATCHES:
        write_batches(name, form, options)


def write_batches(name: str, form: str, options: dict, seed: int = 3) -> None:
    """One pass over the train rows: every batch in the order of the seed."""
    tokenizer = load_tokenizer(ROOT / "models/qwen3")
    train, _, _ = load_local_dataset(ROOT / "data" / form, tokenizer, SimpleNamespace(mask_prompt=options["mask_prompt"]))
    np.random.seed(seed)
    batches = [
        {"tokens": tokens.tolist(), "offsets": lengths[:, 0].tolist(), "lengths": lengths[:, 1].tolist()}
        for tokens, lengths in iterate_batches(CacheDataset(train), options["batch_size"], options["max_seq_length"])
    ]
    case = {"data": f"data/{form}", "model": "models/qwen3", "seed": seed} | options | {"batches": batches}
    write_json(ROOT / "batches" / f"{name}.json", case, indent=None)
