import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toyConfig, toyModel } from "../../test/toys.ts";
import { activeMemory, clearCache, peakMemory, resetPeakMemory } from "../core/memory.ts";
import { loadSafetensors } from "../core/safetensors.ts";
import { loadModel, readModelConfig } from "../models/load.ts";
import { isPackedLayer } from "../nn/packed-layer.ts";
import { withModeDefaults } from "../nn/quantization.ts";
import { pack } from "../nn/quantized.ts";
import { UserError } from "../protocol/user-error.ts";
import { type ConvertOptions, convertModel } from "./convert-model.ts";
import { parseLayerRule, type QuantizationRequest, requireQuantization } from "./quantization-request.ts";
import { saveModel } from "./save-model.ts";

const large = { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 3, head_dim: 16, vocab_size: 96 };

/** A saved toy of that size. */
async function toyFolder(model_type: string, changes: Record<string, unknown> = {}): Promise<string> {
  const folder = join(mkdtempSync(join(tmpdir(), "cygnet-convert-")), "source");
  const all = { ...large, ...changes };
  const config = toyConfig(model_type, all);
  const empty = mkdtempSync(join(tmpdir(), "cygnet-empty-"));
  await saveModel({
    model: toyModel(model_type, all),
    config,
    source: empty,
    target: folder,
    force: false,
    donate: true,
  });
  return folder;
}

function request(rules: string[] = [], recipe?: QuantizationRequest["recipe"]): QuantizationRequest {
  const settings = withModeDefaults({ bits: 4, group_size: 32 });
  return { settings, recipe, rules: rules.map((text) => parseLayerRule(text, settings)) };
}

async function converted(source: string, changes: Partial<ConvertOptions> = {}): Promise<{ target: string }> {
  const target = join(mkdtempSync(join(tmpdir(), "cygnet-converted-")), "copy");
  await convertModel({ source, target, force: false, dequantize: false, ...changes });
  return { target };
}

async function codeOf(body: () => unknown): Promise<string> {
  try {
    await body();
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
  return "no error";
}

test("rules decide before everything else, the first that matches a layer", async () => {
  const rules = ["*.layers.0.*=skip", "*.down_proj=8:64", "*_proj=4:32:mxfp4"];
  const { target } = await converted(await toyFolder("llama"), { quantize: request(rules) });
  const model = loadModel(target);
  const settings = (path: string) => {
    const layer = model.find(path);
    return layer && isPackedLayer(layer) ? layer.quantization : "plain";
  };
  expect(settings("model.layers.0.mlp.down_proj")).toBe("plain");
  expect(settings("model.layers.1.mlp.down_proj")).toEqual({ bits: 8, group_size: 64, mode: "affine" });
  expect(settings("model.layers.1.mlp.up_proj")).toEqual({ bits: 4, group_size: 32, mode: "mxfp4" });
  expect(settings("model.embed_tokens")).toEqual({ bits: 4, group_size: 32, mode: "affine" });
});

test("a rule that is none, names no layer or asks for what MLX has not is refused", async () => {
  const source = await toyFolder("llama");
  expect(await codeOf(() => request(["lm_head:4"]))).toBe("quantize/rule");
  expect(await codeOf(() => request(["*=7"]))).toBe("quantize/settings");
  expect(await codeOf(() => request(["*=4:64:mxfp4"]))).toBe("quantize/settings");
  expect(await codeOf(() => request(["*=4:32:fp4"]))).toBe("quantize/mode");
  expect(await codeOf(() => requireQuantization({ bits: 4, group_size: 48, mode: "affine" }, "flag"))).toBe(
    "quantize/settings",
  );
  expect(await codeOf(() => converted(source, { quantize: request(["*.dwon_proj=6"]) }))).toBe(
    "quantize/rule-without-layer",
  );
});

test("layers whose columns do not divide stay; a model without any other is refused", async () => {
  const source = await toyFolder("llama", { intermediate_size: 80 });
  const target = join(mkdtempSync(join(tmpdir(), "cygnet-converted-")), "copy");
  const { quantized } = await convertModel({ source, target, force: false, dequantize: false, quantize: request() });
  expect(quantized?.unfit).toEqual([0, 1, 2].map((i) => `model.layers.${i}.mlp.down_proj`));
  const narrow = await toyFolder("llama", { hidden_size: 16, intermediate_size: 24, head_dim: 4 });
  expect(await codeOf(() => converted(narrow, { quantize: request() }))).toBe("quantize/nothing");
});

test("a packed model is not packed again, and unpacked it is one without quantization", async () => {
  const { target } = await converted(
    await toyFolder("qwen3_moe", { num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 64 }),
    {
      quantize: request(),
    },
  );
  expect(readModelConfig(target).quantization).toMatchObject({
    bits: 4,
    "model.layers.0.mlp.gate": { group_size: 64, bits: 8, mode: "affine" },
  });
  expect(await codeOf(() => converted(target, { quantize: request() }))).toBe("quantize/already");
  const plain = (await converted(target, { dequantize: true })).target;
  const config = readModelConfig(plain);
  expect([config.quantization, config.quantization_config]).toEqual([undefined, undefined]);
  const weights = loadModel(plain).parameters();
  const packed = loadModel(target).find("model.layers.0.mlp.switch_mlp.up_proj");
  if (!packed || !isPackedLayer(packed)) throw new Error("experts are packed");
  expect(weights["model.layers.0.mlp.switch_mlp.up_proj.weight"]?.toArray()).toEqual(packed.denseWeight().toArray());
  expect(await codeOf(() => converted(plain, { dequantize: true }))).toBe("convert/not-quantized");
});

test("another dtype is that of the weights and of the config", async () => {
  const { target } = await converted(await toyFolder("llama", { torch_dtype: "float32" }), { dtype: "bfloat16" });
  const dtypes = new Set(Object.values(loadModel(target, { dtype: "keep" }).parameters()).map(({ dtype }) => dtype));
  expect([...dtypes]).toEqual(["bfloat16"]);
  expect(readModelConfig(target).torch_dtype).toBe("bfloat16");
});

test("memory stays near one file's size, and the files hold all of the model", async () => {
  const size = { hidden_size: 256, intermediate_size: 1024, num_hidden_layers: 12, head_dim: 64, vocab_size: 512 };
  const source = await toyFolder("llama", size);
  const bytes = readFileSync(join(source, "model.safetensors")).length;
  const shardBytes = 2 ** 20;
  clearCache();
  resetPeakMemory();
  const before = activeMemory();
  const { target } = await converted(source, { quantize: request(), shardBytes });
  const largestWeight = 4 * 256 * 1024;
  expect(peakMemory() - before).toBeLessThan(shardBytes + 4 * largestWeight);
  expect(bytes).toBeGreaterThan(8 * (shardBytes + 4 * largestWeight));
  const files = readdirSync(target).filter((name) => name.endsWith(".safetensors"));
  expect(files.length).toBeGreaterThan(5);
  for (const name of files) {
    const { tensors, metadata } = loadSafetensors(join(target, name));
    expect(metadata.format).toBe("mlx");
    expect(Object.values(tensors).reduce((sum, { nbytes }) => sum + nbytes, 0)).toBeLessThanOrEqual(shardBytes);
  }
  const whole = loadModel((await converted(source, { quantize: request() })).target, { dtype: "keep" }).parameters();
  const parts = loadModel(target, { dtype: "keep" }).parameters();
  expect(Object.keys(parts)).toEqual(Object.keys(whole));
  const unlike = Object.entries(whole).filter(
    ([path, tensor]) => Buffer.compare(tensor.toBytes(), parts[path]?.toBytes() ?? Buffer.of()) !== 0,
  );
  expect(unlike).toEqual([]);
});

test.each(["mxfp4", "nvfp4", "mxfp8"])(
  "memory stays near one weight's size in %s, and it is packed as at once",
  async (mode) => {
    const size = { hidden_size: 512, intermediate_size: 4096, num_hidden_layers: 1, head_dim: 128, vocab_size: 512 };
    const source = await toyFolder("llama", size);
    const settings = withModeDefaults({ mode });
    clearCache();
    resetPeakMemory();
    const before = activeMemory();
    const { target } = await converted(source, { quantize: { settings, rules: [] } });
    const chunkBytes = 4 * 2 ** 20;
    expect(peakMemory() - before).toBeLessThan(4 * 512 * 4096 + 24 * chunkBytes);
    const weights = loadModel(source).parameters();
    const found = loadModel(target, { dtype: "keep" }).parameters();
    const weight = weights["model.layers.0.mlp.down_proj.weight"];
    if (!weight) throw new Error("the toy has a down_proj");
    const expected = pack(weight, settings);
    for (const name of ["weight", "scales"] as const) {
      const own = found[`model.layers.0.mlp.down_proj.${name}`]?.toBytes() ?? Buffer.of();
      expect(Buffer.compare(own, expected[name].toBytes()), name).toBe(0);
    }
  },
);

test("what a killed run left is replaced; what is at the target is not, unless forced", async () => {
  const source = await toyFolder("llama");
  const target = join(mkdtempSync(join(tmpdir(), "cygnet-converted-")), "copy");
  mkdirSync(`${target}.part`);
  writeFileSync(join(`${target}.part`, "model-00001-of-00009.safetensors"), "half");
  const options = { source, target, force: false, dequantize: false, quantize: request() };
  await convertModel(options);
  expect(existsSync(`${target}.part`)).toBe(false);
  expect(readdirSync(target).sort()).toEqual(["config.json", "model.safetensors", "model.safetensors.index.json"]);
  expect(await codeOf(() => convertModel(options))).toBe("file/target-exists");
  await convertModel({ ...options, force: true });
  const broken = `${source}-broken`;
  cpSync(source, broken, { recursive: true });
  writeFileSync(join(broken, "model.safetensors"), "damaged");
  expect(await codeOf(() => convertModel({ ...options, source: broken, force: true }))).toBe(
    "file/unreadable-safetensors",
  );
  expect(readdirSync(target)).toContain("model.safetensors");
});
