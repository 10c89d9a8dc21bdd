import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UserError } from "../protocol/user-error.ts";
import { licenceOf } from "./licences.ts";
import { readModelCard } from "./model-card.ts";
import { readModelFacts, tuningOf } from "./model-facts.ts";
import { localModelFiles } from "./model-files.ts";
import { recommendations } from "./recommendations.ts";

/** A safetensors file whose values are not there: only its header is read. */
function headerOnly(tensors: Record<string, { dtype: string; shape: number[]; bytes: number }>): Buffer {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    const data_offsets = [at, at + bytes];
    at += bytes;
    return [name, { dtype, shape, data_offsets }];
  });
  const text = Buffer.from(JSON.stringify({ __metadata__: { format: "mlx" }, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

function modelFolder(config: object, weights: Buffer, files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "cygnet-facts-"));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "model.safetensors"), weights);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const shape = {
  hidden_size: 128,
  num_hidden_layers: 2,
  intermediate_size: 256,
  num_attention_heads: 4,
  vocab_size: 100,
  max_position_embeddings: 4096,
};

test("packed weights count unpacked, by the groups of their scales", async () => {
  const weights = headerOnly({
    "model.embed_tokens.weight": { dtype: "U32", shape: [100, 16], bytes: 6400 },
    "model.embed_tokens.scales": { dtype: "BF16", shape: [100, 2], bytes: 400 },
    "model.embed_tokens.biases": { dtype: "BF16", shape: [100, 2], bytes: 400 },
    "lm_head.weight": { dtype: "U32", shape: [100, 32], bytes: 12_800 },
    "lm_head.scales": { dtype: "BF16", shape: [100, 4], bytes: 800 },
    "model.norm.weight": { dtype: "BF16", shape: [128], bytes: 256 },
  });
  const quantization = { group_size: 64, bits: 4, lm_head: { group_size: 32, bits: 8 } };
  const card = "---\nlicense: apache-2.0\nbase_model: org/some-Instruct\n---\n# Title";
  const folder = modelFolder({ model_type: "qwen3", ...shape, quantization }, weights, {
    "README.md": card,
    "chat_template.jinja": "x",
  });
  const facts = await readModelFacts(localModelFiles(folder, "org/some-4bit"));
  expect(facts).toMatchObject({
    parameters: 2 * 100 * 128 + 128,
    bits: 4,
    context: 4096,
    weightBytes: 21_056,
    halfBytes: 1856,
    tuning: "instruct",
    licence: { named: "apache-2.0", known: { commercial: "yes" } },
  });
});

test("of a model with experts, what a token goes through is counted too", async () => {
  const weights = headerOnly({
    "model.embed_tokens.weight": { dtype: "BF16", shape: [100, 128], bytes: 25_600 },
    "model.layers.0.mlp.experts.0.up_proj.weight": { dtype: "BF16", shape: [64, 128], bytes: 16_384 },
    "model.layers.0.mlp.experts.1.up_proj.weight": { dtype: "BF16", shape: [64, 128], bytes: 16_384 },
  });
  const config = { model_type: "qwen3_moe", ...shape, num_experts: 2, num_experts_per_tok: 1 };
  const facts = await readModelFacts(localModelFiles(modelFolder(config, weights)));
  expect([facts.parameters, facts.activeParameters]).toEqual([12_800 + 2 * 8192, 12_800 + 8192]);
});

test("a damaged file is named", async () => {
  const files = localModelFiles(modelFolder({ model_type: "qwen3", ...shape }, Buffer.from("<html>not found</html>")));
  await expect(readModelFacts(files)).rejects.toThrow(UserError);
  await expect(readModelFacts(files)).rejects.toThrow("model.safetensors");
});

test.each([
  ["Qwen/Qwen3-0.6B", "", true, "instruct"],
  ["Qwen/Qwen3-0.6B-Base", "", true, "base"],
  ["Qwen/Qwen2.5-7B", "", true, "base"],
  ["Qwen/Qwen2.5-7B-Instruct", "", true, "instruct"],
  ["google/gemma-3-1b-it", "", true, "instruct"],
  ["google/gemma-3-1b-pt", "", true, "base"],
  ["meta-llama/Llama-3.1-8B", "", false, "base"],
  ["deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "", true, "instruct"],
  ["mlx-community/phi-4-4bit", "tags: [chat]", true, "instruct"],
  ["org/mystery", "", true, "unknown"],
])("%s %s is %4$s", (name, card, hasTemplate, tuning) => {
  expect(tuningOf(name, readModelCard(`---\n${card}\n---\n`), hasTemplate)).toBe(tuning);
});

test("licences are known in the spelling of both hubs, and others by their own name", () => {
  expect(licenceOf("apache-2.0")).toBe(licenceOf("Apache License 2.0"));
  expect(licenceOf("MIT License")?.commercial).toBe("yes");
  expect(licenceOf("cc-by-nc-4.0")?.commercial).toBe("no");
  expect(licenceOf("constructor")).toBeUndefined();
  const card = readModelCard("---\nlicense: other\nlicense_name: qwen-research\n---\n");
  expect(licenceOf(card.licence ?? "")?.commercial).toBe("no");
  expect(readModelCard("---\nlicense: [\n---\n").licence).toBeUndefined();
});

test("every recommended model has a licence that is known and lets companies use it", () => {
  const uses = recommendations.map(({ licence }) => licenceOf(licence)?.commercial);
  expect(new Set(uses)).toEqual(new Set(["yes", "conditions"]));
});
