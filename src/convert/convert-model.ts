import type { DType } from "../core/dtype.ts";
import { dispose } from "../core/scope.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { loadModel, type ModelConfig, readModelConfig } from "../models/load.ts";
import { UserError } from "../protocol/user-error.ts";
import { countParameters } from "../tuner/parameter-count.ts";
import { applyActivationScales, findActivationScales, type ScaledGroup } from "./activation-scales.ts";
import type { QuantizationRequest } from "./quantization-request.ts";
import { dequantizeModel, plannedQuantization, type QuantizedLayers, quantizeModel } from "./quantize-model.ts";
import { saveModel } from "./save-model.ts";
import { requireRoom, requireTarget, type Target } from "./target-folder.ts";

const storedDtypes = ["float16", "bfloat16", "float32"] as const;
export type StoredDtype = (typeof storedDtypes)[number];

export interface ConvertOptions extends Target {
  quantize?: QuantizationRequest | undefined;
  /** Rows of tokens: weights are scaled before they are packed, so that their outputs on these change least. */
  calibration?: readonly number[][] | undefined;
  /** Packed layers become plain ones. */
  dequantize: boolean;
  /** Of the weights that are not packed; default: the config's own, else as stored. */
  dtype?: StoredDtype | undefined;
  /** Most bytes of one weight file. */
  shardBytes?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface ConvertedModel {
  /** Undefined where nothing was to be quantized. */
  quantized: QuantizedLayers | undefined;
  dequantizedLayers: number;
  /** Bytes of all weights. */
  bytes: number;
  bitsPerWeight: number;
}

/**
 * Writes a copy of a model folder with its weights quantized, de-quantized or in another dtype. One weight is read and
 * computed at a time and freed with its file, so memory stays near one file's size.
 * @throws UserError when source or target cannot be used, and the signal's reason when it is aborted; the target is then as it was.
 */
export async function convertModel(options: ConvertOptions): Promise<ConvertedModel> {
  const { source, quantize, calibration, signal } = options;
  requireTarget(options);
  const config = readModelConfig(source);
  const model = loadModel(source, { dtype: options.dtype ?? dtypeOf(config) ?? "keep", lazy: true });
  try {
    if (quantize && calibration) {
      const groups = await calibrated(source, quantize, calibration, signal);
      applyActivationScales(model, groups);
      dispose(groups);
    }
    return await converted(model, config, options);
  } finally {
    model.dispose();
  }
}

async function converted(model: LanguageModel, config: ModelConfig, options: ConvertOptions): Promise<ConvertedModel> {
  const { source, target, force, quantize, shardBytes, signal } = options;
  const quantized = quantize && quantizeModel(model, config, quantize);
  const dequantizedLayers = options.dequantize ? dequantizeModel(model) : 0;
  if (options.dequantize && dequantizedLayers === 0) throw new UserError("convert/not-quantized", { source });
  const bytes = Object.values(model.parameters()).reduce((sum, tensor) => sum + tensor.nbytes, 0);
  requireRoom(target, bytes);
  const bitsPerWeight = (8 * bytes) / countParameters(model).total_parameters;
  const saved = convertedConfig(config, options, quantized);
  const { byRows } = quantized ?? {};
  const size = shardBytes ? { shardBytes } : {};
  await saveModel({ model, config: saved, source, target, force, donate: true, byRows, signal, ...size });
  return { quantized, dequantizedLayers, bytes, bitsPerWeight };
}

/** Computed with all of the source in memory, in float32. */
async function calibrated(
  source: string,
  request: QuantizationRequest,
  rows: readonly number[][],
  signal: AbortSignal | undefined,
): Promise<ScaledGroup[]> {
  const model = loadModel(source, { dtype: "float32" });
  try {
    return await findActivationScales(model, rows, plannedQuantization(model, request), signal);
  } finally {
    model.dispose();
  }
}

/** The dtype that a config names, where it is one that weights are stored in. */
function dtypeOf({ torch_dtype }: ModelConfig): DType | undefined {
  return storedDtypes.find((name) => name === torch_dtype);
}

function convertedConfig(
  config: ModelConfig,
  { dequantize, dtype }: ConvertOptions,
  quantized: QuantizedLayers | undefined,
): ModelConfig {
  const { quantization, quantization_config, ...plain } = config;
  const kept = dequantize ? plain : config;
  const named = Object.keys(config).filter((key) => key === "torch_dtype" || key === "dtype");
  const dtypes = dtype ? Object.fromEntries(named.map((key) => [key, dtype])) : {};
  return { ...kept, ...dtypes, ...(quantized ? { quantization: quantized.quantization } : {}) };
}
