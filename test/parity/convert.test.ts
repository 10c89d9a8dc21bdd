import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { convertModel } from "../../src/convert/convert-model.ts";
import { type QuantizationRequest, recipeNames } from "../../src/convert/quantization-request.ts";
import { loadSafetensors } from "../../src/core/safetensors.ts";
import { loadModel } from "../../src/models/load.ts";
import { withModeDefaults } from "../../src/nn/quantization.ts";
import { index, parity, read, relativeDifference } from "./fixtures.ts";
import { lastLogits } from "./model-outputs.ts";

const Options = z.object({
  q_bits: z.int().optional(),
  q_group_size: z.int().optional(),
  q_mode: z.string().optional(),
  quant_predicate: z.enum(recipeNames).optional(),
  dequantize: z.boolean().default(false),
  dtype: z.enum(["float16", "bfloat16", "float32"]).optional(),
});
type Options = z.infer<typeof Options>;
const Case = z.object({
  source: z.string(),
  options: Options,
  prompt_ids: z.array(z.int()),
  logits: z.array(z.array(z.number())),
  exact_logits: z.array(z.array(z.number())),
});

/** Copies among `models` that mlx-lm made as well. */
const others: [name: string, source: string, options: z.input<typeof Options>][] = [
  ["models/llama-4bit-g64", "models/llama", { q_bits: 4, q_group_size: 64 }],
  ["models/llama-4bit-g32-bfloat16", "models/llama", { q_bits: 4, q_group_size: 32, dtype: "bfloat16" }],
  ["models/llama-untied-8bit-g32", "models/llama-untied", { q_bits: 8, q_group_size: 32 }],
  ["models/qwen3-3bit-g32", "models/qwen3-sharded", { q_bits: 3, q_group_size: 32 }],
  ["models/qwen3-untied-6bit-g32", "models/qwen3-untied", { q_bits: 6, q_group_size: 32 }],
  ["models/qwen3-moe-4bit-g32", "models/qwen3-moe", { q_bits: 4, q_group_size: 32 }],
];

/** Our copy of a source, made as its case says. */
async function ourCopy(source: string, { dequantize, dtype, quant_predicate: recipe, ...q }: Options): Promise<string> {
  const target = join(mkdtempSync(join(tmpdir(), "cygnet-convert-")), "copy");
  const settings = withModeDefaults({ mode: q.q_mode, bits: q.q_bits, group_size: q.q_group_size });
  const quantize: QuantizationRequest | undefined = dequantize ? undefined : { settings, recipe, rules: [] };
  await convertModel({ source: join(parity, source), target, force: false, quantize, dequantize, dtype });
  return target;
}

function expectSameFiles(ours: string, theirs: string): void {
  const [own, their] = [ours, theirs].map((folder) => loadSafetensors(join(folder, "model.safetensors")).tensors);
  expect(Object.keys(own ?? {}).sort()).toEqual(Object.keys(their ?? {}).sort());
  for (const [path, tensor] of Object.entries(their ?? {})) {
    const found = own?.[path];
    expect([found?.dtype, found?.shape], path).toEqual([tensor.dtype, tensor.shape]);
    expect(Buffer.compare(found?.toBytes() ?? Buffer.of(), tensor.toBytes()), path).toBe(0);
  }
  expect(json(ours, "model.safetensors.index.json")).toEqual(json(theirs, "model.safetensors.index.json"));
  expect(comparable(json(ours, "config.json"))).toEqual(comparable(json(theirs, "config.json")));
}

function json(folder: string, name: string): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(join(folder, name), "utf8")));
}

const LayerEntry = z.looseObject({
  group_size: z.int().nullish(),
  bits: z.int().nullish(),
  mode: z.string().nullish(),
});

/** Without what mlx-lm leaves out of, or writes as null into, the entries of single layers, and the dtype it does not keep true. */
function comparable({ quantization, quantization_config, torch_dtype, ...rest }: Record<string, unknown>) {
  const entries = z.record(z.string(), z.unknown()).optional().parse(quantization);
  expect(quantization_config).toEqual(quantization);
  const filled = Object.entries(entries ?? {}).map(([key, value]) => {
    const layer = LayerEntry.safeParse(value);
    return [key, layer.success ? withModeDefaults(layer.data) : value];
  });
  return { ...rest, quantization: entries && Object.fromEntries(filled) };
}

test.each(index.converted)("convert writes the files of mlx_lm.convert: %s", async (name) => {
  const { source, options } = read(join("converted", name, "case.json"), Case);
  expectSameFiles(await ourCopy(source, options), join(parity, "converted", name));
});

test.each(others)("convert writes the files of mlx_lm.convert: %s", async (name, source, options) => {
  expectSameFiles(await ourCopy(source, Options.parse(options)), join(parity, name));
});

// Ours are equal bit for bit, so these are the logits of our copies as well.
test.each(index.converted)("a copy by mlx_lm.convert gives mlx-lm's logits: %s", (name) => {
  const { prompt_ids, logits, exact_logits } = read(join("converted", name, "case.json"), Case);
  const model = loadModel(join(parity, "converted", name), { dtype: "float32" });
  const found = lastLogits(model, prompt_ids, logits.length);
  expect(relativeDifference(found, exact_logits.flat())).toBeLessThan(1e-5);
  // mlx-lm computes in the dtype of the norms.
  expect(relativeDifference(found, logits.flat())).toBeLessThan(name.includes("bfloat16") ? 1e-1 : 1e-5);
});
