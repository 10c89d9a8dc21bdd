import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type DType, isFloating } from "../core/dtype.ts";
import { computeDtype } from "../core/kernels.ts";
import type { Quantization } from "../core/ops.ts";
import { loadSafetensors, type Weights } from "../core/safetensors.ts";
import { keep, scope } from "../core/scope.ts";
import type { Tensor } from "../core/tensor.ts";
import { readJsonFile } from "../core/text-file.ts";
import { evaluate } from "../core/transforms.ts";
import { Embedding } from "../nn/embedding.ts";
import { Linear } from "../nn/linear.ts";
import { withModeDefaults } from "../nn/quantization.ts";
import { QuantizedEmbedding, QuantizedLinear } from "../nn/quantized.ts";
import { QuantizedSwitchLinear, SwitchLinear } from "../nn/switch-linear.ts";
import { nearest } from "../protocol/nearest.ts";
import { UserError } from "../protocol/user-error.ts";
import type { LanguageModel } from "./language-model.ts";
import { families } from "./registry.ts";

/** The `quantization` of a config: defaults, and layers by path with their own settings (false: not quantized). */
const QuantizationConfig = z.looseObject({
  group_size: z.int(),
  bits: z.int(),
  mode: z.string().default("affine"),
});
const LayerQuantization = z.looseObject({
  group_size: z.int().nullish(),
  bits: z.int().nullish(),
  mode: z.string().nullish(),
});

const ModelConfig = z.looseObject({
  model_type: z.string(),
  quantization: QuantizationConfig.nullish(),
  quantization_config: z.looseObject({ quant_method: z.string().optional() }).nullish(),
});
export type ModelConfig = z.infer<typeof ModelConfig>;

export interface LoadOptions {
  /**
   * Floating-point weights become this dtype; `keep` leaves them as stored. By default they become what this device computes
   * fastest without harm to training: see `computeDtype`.
   */
  dtype?: DType | "keep";
  /** Weights are read when they are first used, so that a model larger than memory can be worked through layer by layer. */
  lazy?: boolean;
}

/**
 * Loads a Hugging Face model folder: config.json and *.safetensors, sharded or not, MLX-quantized or not.
 * @throws UserError when files are missing or damaged, the architecture is unknown, or weights do not fit.
 */
export function loadModel(folder: string, { dtype, lazy = false }: LoadOptions = {}): LanguageModel {
  const config = readModelConfig(folder);
  const model = buildModel(config, folder);
  const wanted = (stored: DType): DType => (dtype === "keep" ? stored : (dtype ?? computeDtype(stored)));
  try {
    scope(() => {
      const weights = cast(model.sanitize(readWeights(folder)), wanted);
      quantizeLayers(model, weights, config);
      model.loadWeights(weights, { source: folder });
    });
    if (!lazy) evaluate(model.parameters());
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model.train(false);
}

export function readModelConfig(folder: string): ModelConfig {
  const path = join(folder, "config.json");
  if (!existsSync(path)) throw new UserError("model/no-folder", { folder, path });
  const parsed = ModelConfig.safeParse(readJsonFile(path));
  if (!parsed.success) throw new UserError("model/bad-config", { source: path, problems: ["model_type is missing"] });
  return parsed.data;
}

/** The architecture of `config` with random weights, which it owns: `dispose` frees them. */
export function buildModel(config: ModelConfig, source: string): LanguageModel {
  const family = Object.hasOwn(families, config.model_type) ? families[config.model_type] : undefined;
  if (family) {
    return scope(() => {
      const model = family.build(config, source);
      keep(model.parameters());
      return model;
    });
  }
  const supported = Object.keys(families);
  throw new UserError("model/unsupported-type", {
    type: config.model_type,
    source,
    supported: supported.join(", "),
    nearest: nearest(config.model_type, supported),
  });
}

function readWeights(folder: string): Weights {
  const files = readdirSync(folder).filter(
    (name) => /^model.*\.safetensors$/.test(name) && !name.endsWith(".part.safetensors"),
  );
  const expected = shardsOf(folder);
  const missing = expected.filter((name) => !files.includes(name));
  if (files.length === 0 || missing.length > 0) {
    throw new UserError("model/no-weights", { folder, missing: missing.length > 0 ? missing : ["model.safetensors"] });
  }
  return Object.assign({}, ...files.sort().map((name) => loadSafetensors(join(folder, name)).tensors));
}

function shardsOf(folder: string): string[] {
  const path = join(folder, "model.safetensors.index.json");
  if (!existsSync(path)) return [];
  const index = z.object({ weight_map: z.record(z.string(), z.string()) }).safeParse(readJsonFile(path));
  if (!index.success) throw new UserError("model/bad-config", { source: path, problems: ["weight_map is missing"] });
  return [...new Set(Object.values(index.data.weight_map))];
}

/** Gives layers whose weights come packed a quantized class. */
function quantizeLayers(model: LanguageModel, weights: Weights, config: ModelConfig): void {
  const method = config.quantization ? undefined : config.quantization_config?.quant_method;
  if (method) throw new UserError("model/foreign-quantization", { method });
  // What a GPU or mlx-lm comes to: the dtype of the norms.
  const dtype = Object.values(weights).find((tensor) => isFloating(tensor.dtype))?.dtype;
  for (const [path, layer] of [...model.modules()]) {
    const scales = weights[`${path}.scales`];
    const weight = weights[`${path}.weight`];
    if (!scales || !weight) continue;
    const packed = { weight, scales, biases: weights[`${path}.biases`] };
    const settings = quantizationOf(path, config);
    if (layer instanceof Linear || layer instanceof Embedding || layer instanceof SwitchLinear) layer.weight.dispose();
    if (layer instanceof Linear) model.replace(path, new QuantizedLinear(packed, settings, layer.bias));
    else if (layer instanceof Embedding) model.replace(path, new QuantizedEmbedding(packed, settings, dtype));
    else if (layer instanceof SwitchLinear) model.replace(path, new QuantizedSwitchLinear(packed, settings));
  }
}

function quantizationOf(path: string, { quantization }: ModelConfig): Quantization {
  if (!quantization) throw new UserError("model/quantization-missing", { path });
  const { group_size, bits, mode } = quantization;
  const own = LayerQuantization.safeParse(quantization[path]);
  // As in mlx-lm, an entry for a layer inherits nothing: what it leaves out, or has as null, is MLX's default.
  return own.success ? withModeDefaults(own.data) : { group_size, bits, mode };
}

/** Weights in their wanted dtypes; those that change are freed, or both would be in memory. */
function cast(weights: Weights, wanted: (stored: DType) => DType): Weights {
  const converted = (tensor: Tensor): Tensor => {
    const dtype = isFloating(tensor.dtype) ? wanted(tensor.dtype) : tensor.dtype;
    if (tensor.dtype === dtype) return tensor;
    const changed = tensor.astype(dtype);
    tensor.dispose();
    return changed;
  };
  return Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, converted(tensor)]));
}
