import type { DType } from "../core/dtype.ts";
import { dispose } from "../core/scope.ts";
import { loadModel, type ModelConfig, readModelConfig } from "../models/load.ts";
import { UserError } from "../protocol/user-error.ts";
import { countParameters } from "../tuner/parameter-count.ts";
import { applyActivationScales, findActivationScales, type ScaledGroup } from "./activation-scales.ts";
import type { QuantizationRequest } from "./quantization-request.ts";
import { dequantizeModel, plannedQuantization, type QuantizedLayers, quantizeModel } from "./quantize-model.ts";
import { requireTarget, saveModel } from "./save-model.ts";

const storedDtypes = ["float16", "bfloat16", "float32"] as const;
export type StoredDtype = (typeof storedDtypes)[number];

export interface ConvertOptions {
  source: string;
  /** The folder to make. */
  target: string;
  /** Replace a model that is at `target` already. */
  force: boolean;
  quantize?: QuantizationRequest | undefined;
  /** Rows of tokens: weights are scaled before they are packed, so that their outputs on these change least. */
  calibration?: readonly number[][] | undefined;
  /** Packed layers become plain ones. */
  dequantize: boolean;
  /** Of the weights that are not packed; default: the config's own, else as stored. */
  dtype?: StoredDtype | undefined;
  /** Most bytes of one weight file. */
  shardBytes?: number | undefined;
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
 * @throws UserError when source or target cannot be used; the target is then as it was.
 */
export function convertModel(options: ConvertOptions): ConvertedModel {
  const { source, target, force, shardBytes } = options;
  requireTarget({ source, target, force });
  const config = readModelConfig(source);
  const model = loadModel(source, { dtype: options.dtype ?? dtypeOf(config) ?? "keep", lazy: true });
  const { quantize, calibration } = options;
  if (quantize && calibration) {
    const groups = calibrated(source, quantize, calibration);
    applyActivationScales(model, groups);
    dispose(groups);
  }
  const quantized = quantize && quantizeModel(model, config, quantize);
  const dequantizedLayers = options.dequantize ? dequantizeModel(model) : 0;
  if (options.dequantize && dequantizedLayers === 0) throw new UserError("convert/not-quantized", { source });
  const bytes = Object.values(model.parameters()).reduce((sum, tensor) => sum + tensor.nbytes, 0);
  const bitsPerWeight = (8 * bytes) / countParameters(model).total_parameters;
  const saved = convertedConfig(config, options, quantized);
  const { byRows } = quantized ?? {};
  const size = shardBytes ? { shardBytes } : {};
  saveModel({ model, config: saved, source, target, force, donate: true, byRows, ...size });
  return { quantized, dequantizedLayers, bytes, bitsPerWeight };
}

/** Computed with all of the source in memory, in float32. */
function calibrated(source: string, request: QuantizationRequest, rows: readonly number[][]): ScaledGroup[] {
  const model = loadModel(source, { dtype: "float32" });
  const groups = findActivationScales(model, rows, plannedQuantization(model, request));
  model.dispose();
  return groups;
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
