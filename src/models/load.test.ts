import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { parity } from "../../test/parity/fixtures.ts";
import { toyConfig, toyModel } from "../../test/toys.ts";
import { activeMemory } from "../core/memory.ts";
import { loadSafetensors, saveSafetensors, type Weights } from "../core/safetensors.ts";
import { QuantizedEmbedding, QuantizedLinear } from "../nn/quantized.ts";
import { UserError } from "../protocol/user-error.ts";
import { loadModel } from "./load.ts";

const root = mkdtempSync(join(tmpdir(), "cygnet-load-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

/** A folder with this config and the weights of a toy, changed. */
function folderOf(
  config: Record<string, unknown>,
  change: (weights: Weights) => Weights = (weights) => weights,
): string {
  const folder = mkdtempSync(join(root, `${count++}-`));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  saveSafetensors(join(folder, "model.safetensors"), change(toyModel("qwen3").parameters()));
  return folder;
}

function copyOf(name: string): string {
  const folder = mkdtempSync(join(root, `${count++}-`));
  cpSync(join(parity, "models", name), folder, { recursive: true });
  return folder;
}

function rejection(folder: string): UserError {
  try {
    loadModel(folder);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("the model was loaded");
}

describe("loadModel", () => {
  test("gives the model of the folder, in evaluation mode", () => {
    const model = loadModel(folderOf(toyConfig("qwen3")));
    const own = toyModel("qwen3").parameters();
    expect(Object.keys(model.parameters())).toEqual(Object.keys(own));
    expect(model.parameters()["model.norm.weight"]?.toArray()).toEqual(own["model.norm.weight"]?.toArray());
    expect(model.training).toBe(false);
  });

  test("casts floating point and leaves packed weights alone", () => {
    const dtypes = (name: string, dtype: "keep" | "float32" | "float16") =>
      new Set(Object.values(loadModel(join(parity, "models", name), { dtype }).parameters()).map((x) => x.dtype));
    expect(dtypes("qwen3-bfloat16", "keep")).toEqual(new Set(["bfloat16"]));
    expect(dtypes("qwen3-bfloat16", "float32")).toEqual(new Set(["float32"]));
    expect(dtypes("llama-4bit-g32-bfloat16", "float16")).toEqual(new Set(["uint32", "float16"]));
  });

  test("packed layers become quantized ones with the settings of their path", () => {
    const model = loadModel(join(parity, "models", "qwen3-mixed"));
    const bits = [...model.modules()].flatMap(([, layer]) =>
      layer instanceof QuantizedLinear || layer instanceof QuantizedEmbedding ? [layer.quantization.bits] : [],
    );
    expect(new Set(bits).size).toBeGreaterThan(1);
  });

  test("ignores what checkpoints store and the model computes or shares", () => {
    const folder = folderOf(toyConfig("qwen3"), (weights) => ({
      ...weights,
      "model.layers.0.self_attn.rotary_emb.inv_freq": weights["model.norm.weight"] ?? fail(),
      "lm_head.weight": weights["model.embed_tokens.weight"] ?? fail(),
    }));
    expect(loadModel(folder).parameters()["lm_head.weight"]).toBeUndefined();
  });

  test("a disposed model gives its memory back", () => {
    const folder = join(parity, "models", "qwen3-4bit-g32");
    loadModel(folder).dispose();
    const model = loadModel(folder);
    const memory = activeMemory();
    const bytes = Object.values(model.parameters()).reduce((sum, x) => sum + x.nbytes, 0);
    model.dispose();
    expect(memory - activeMemory()).toBeGreaterThanOrEqual(bytes);
  });
});

function fail(): never {
  throw new Error("not a weight of the toy");
}

describe("what cannot be loaded is told", () => {
  test.each([
    ["qwen4", "qwen2"],
    ["lama", "llama"],
    ["gpt_neox", undefined],
    ["constructor", undefined],
  ])("model type %s, the nearest being %s", (model_type, nearest) => {
    const error = rejection(folderOf({ ...toyConfig("qwen3"), model_type }));
    expect(error.code).toBe("model/unsupported-type");
    expect(error.facts).toMatchObject({
      type: model_type,
      nearest,
      supported: "llama, mistral, mixtral, qwen2, qwen3, qwen3_moe",
    });
  });

  test("a config key that is missing or of the wrong kind", () => {
    const { hidden_size: _, ...config } = toyConfig("qwen3");
    expect(rejection(folderOf(config)).message).toMatch(/hidden_size/);
    expect(rejection(folderOf(toyConfig("qwen3", { head_dim: undefined }))).message).toMatch(/head_dim/);
    expect(rejection(folderOf(toyConfig("qwen3", { vocab_size: "24" }))).message).toMatch(/vocab_size/);
    expect(rejection(folderOf({})).message).toMatch(/model_type/);
  });

  test("a folder without a model", () => {
    expect(rejection(join(root, "nowhere")).code).toBe("model/no-folder");
    const folder = folderOf(toyConfig("qwen3"));
    rmSync(join(folder, "model.safetensors"));
    expect(rejection(folder)).toMatchObject({ code: "model/no-weights", facts: { missing: ["model.safetensors"] } });
    writeFileSync(join(folder, "config.json"), "{");
    expect(rejection(folder).code).toBe("file/not-json");
  });

  test("a missing shard, by name", () => {
    const folder = copyOf("qwen3-sharded");
    const index = z
      .object({ weight_map: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(folder, "model.safetensors.index.json"), "utf8")));
    const shard = Object.values(index.weight_map).at(-1) ?? "";
    rmSync(join(folder, shard));
    expect(rejection(folder)).toMatchObject({ code: "model/no-weights", facts: { missing: [shard] } });
    writeFileSync(join(folder, "model.safetensors.index.json"), "{}");
    expect(rejection(folder).code).toBe("model/bad-config");
  });

  test("weights that are missing, left over or of another shape", () => {
    const without = folderOf(toyConfig("qwen3"), ({ "model.norm.weight": _, ...others }) => others);
    expect(rejection(without).facts).toMatchObject({ missing: ["model.norm.weight"], unexpected: [], misshapen: [] });
    const larger = folderOf(toyConfig("qwen3", { vocab_size: 25 }));
    expect(rejection(larger).facts).toMatchObject({ misshapen: ["model.embed_tokens.weight [24,8], expected [25,8]"] });
    const shallower = folderOf(toyConfig("qwen3", { num_hidden_layers: 0 }));
    expect(rejection(shallower).message).toMatch(/model\.layers\.0/);
  });

  test("experts of which one is missing", () => {
    const source = join(parity, "../transformers/mixtral");
    const folder = mkdtempSync(join(root, `${count++}-`));
    cpSync(source, folder, { recursive: true });
    const path = join(folder, "model.safetensors");
    const name = "model.layers.1.block_sparse_moe.experts.2.w1.weight";
    const { [name]: _, ...others } = loadSafetensors(path).tensors;
    saveSafetensors(path, others);
    const { facts, message } = rejection(folder);
    expect(facts).toMatchObject({ missing: ["model.layers.1.block_sparse_moe.switch_mlp.gate_proj.weight"] });
    expect(message).toContain("experts.0.w1");
  });

  test("a weights file cut short", () => {
    const folder = folderOf(toyConfig("qwen3"));
    const path = join(folder, "model.safetensors");
    writeFileSync(path, readFileSync(path).subarray(0, -100));
    expect(rejection(folder).code).toBe("file/unreadable-safetensors");
  });

  test("quantization of another kind, or packed weights that no config explains", () => {
    const foreign = folderOf({ ...toyConfig("qwen3"), quantization_config: { quant_method: "gptq" } });
    expect(rejection(foreign)).toMatchObject({ code: "model/foreign-quantization", facts: { method: "gptq" } });
    const folder = copyOf("qwen3-4bit-g32");
    const {
      quantization: _,
      quantization_config: __,
      ...config
    } = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")));
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    expect(rejection(folder).code).toBe("model/quantization-missing");
  });
});

test("a fixture's file has the names that its model has", () => {
  const folder = join(parity, "models", "qwen3");
  const { tensors } = loadSafetensors(join(folder, "model.safetensors"));
  expect(Object.keys(loadModel(folder).parameters()).sort()).toEqual(Object.keys(tensors).sort());
});
