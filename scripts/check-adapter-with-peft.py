"""Compares Python peft's logits for an adapter that `cygnet export peft` wrote with those of a fixture.

    v/bin/python scripts/check-adapter-with-peft.py test/fixtures/peft/llama/model EXPORTED test/fixtures/peft/llama/dora/expected.json
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

model_path, adapter_path, expected_path = sys.argv[1:]
base = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
model = PeftModel.from_pretrained(base, adapter_path).eval()
worst = 0.0
with torch.no_grad():
    for case in json.load(open(expected_path))["cases"]:
        logits = model(torch.tensor([case["prompt_ids"]])).logits[0, -1]
        worst = max(worst, (logits - torch.tensor(case["logits"])).abs().max().item())
print(f"largest difference of logits: {worst:.2e}")
sys.exit(worst > 1e-4)
