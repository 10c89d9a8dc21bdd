import { fileURLToPath } from "node:url";
import { type ConvertedModel, convertModel } from "../../convert/convert-model.ts";
import { parseLayerRule, type QuantizationRequest, requireQuantization } from "../../convert/quantization-request.ts";
import { requireTarget } from "../../convert/target-folder.ts";
import { peakMemory } from "../../core/memory.ts";
import { type Divergence, measureDivergence } from "../../evaluate/divergence.ts";
import { cutRows, requireRows, tokensOfFile } from "../../evaluate/token-rows.ts";
import { buildModel, loadModel, readModelConfig } from "../../models/load.ts";
import { withModeDefaults } from "../../nn/quantization.ts";
import { UserError } from "../../protocol/user-error.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { ConvertConfig } from "../commands/convert.ts";
import { dataFile } from "../data-file.ts";
import { describeMachine } from "../machine.ts";
import { modelFolder } from "../model-folder.ts";
import type { Ui } from "../ui.ts";
import { flagOf } from "../values.ts";

/** Tokens of a row, and rows at most, of the texts that are calibrated and measured on. */
const measured = { rowLength: 512, rows: 64 };
const builtInText = fileURLToPath(new URL("../../../assets/quality/text.txt", import.meta.url));

export async function convert(config: ConvertConfig, ui: Ui): Promise<number> {
  const { mlx_path: target, dequantize, dtype, force } = config;
  const quantize = requestOf(config);
  const source = await modelFolder(config, ui);
  requireTarget({ source, target, force });
  // Read first: a mistake in the texts should not be told after minutes of work.
  const data = config.data === undefined ? undefined : await dataFile(config.data, config, ui);
  const rows = config.quality ? await rowsOfText(source, data ?? builtInText) : [];
  const calibration = config.calibrate === undefined ? undefined : await rowsOfText(source, config.calibrate);
  const options = { source, target, force, dequantize, dtype, quantize, calibration };
  const report = await ui.interruptible((signal) => {
    ui.say("convert/working", { source: config.model, target });
    return convertModel({ ...options, signal });
  });
  if (!report) {
    ui.say("convert/stopped", { target });
    return 130;
  }
  const peakBytes = peakMemory();
  ui.say("convert/saved", {
    path: target,
    bytes: report.bytes,
    bits: report.bitsPerWeight,
    layers: report.quantized?.packed.length ?? 0,
    peakBytes,
  });
  if (report.quantized?.unfit.length) ui.say("convert/unfit", { layers: report.quantized.unfit });
  const divergence = config.quality ? await compareIfItFits(source, config, rows, ui) : undefined;
  ui.emit(summaryOf(config, report, peakBytes, divergence));
  if (divergence) tellQuality(divergence, data, ui);
  return 0;
}

/** What `-q` and the flags beside it ask for. */
function requestOf(config: ConvertConfig): QuantizationRequest | undefined {
  const { quantize, dequantize, q_mode, q_bits, q_group_size, quant_predicate: recipe, q_rule } = config;
  if (quantize && dequantize) throw new UserError("quantize/both", {});
  if (!quantize) {
    const mode = q_mode === "affine" ? undefined : q_mode;
    const given = {
      q_mode: mode,
      q_bits,
      q_group_size,
      quant_predicate: recipe,
      q_rule: q_rule[0],
      calibrate: config.calibrate,
    };
    const flags = Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [flagOf(key)]));
    if (flags.length > 0) throw new UserError("quantize/without-flag", { flags });
    return undefined;
  }
  if (recipe && q_mode !== "affine") throw new UserError("quantize/recipe-mode", { recipe, mode: q_mode });
  const settings = withModeDefaults({ mode: q_mode, bits: q_bits, group_size: q_group_size });
  requireQuantization(settings, "--q-bits, --q-group-size");
  return { settings, recipe, rules: q_rule.map((text) => parseLayerRule(text, settings)) };
}

async function rowsOfText(model: string, path: string): Promise<number[][]> {
  const shape = buildModel(readModelConfig(model), model);
  shape.dispose();
  const rows = cutRows(await tokensOfFile(path, await Tokenizer.load(model)), measured.rowLength, measured.rows);
  requireRows(rows, shape.config.vocab_size, path);
  return rows;
}

/** Both models are in memory while they are compared; where they do not fit, this is told and left out. */
async function compareIfItFits(
  folder: string,
  config: ConvertConfig,
  rows: readonly number[][],
  ui: Ui,
): Promise<Divergence | undefined> {
  const models = [folder, config.mlx_path].map((each) => loadModel(each, { lazy: true }));
  const [source, copy] = models;
  if (!source || !copy) throw new Error("source and copy are two");
  const weights = models.flatMap((model) => Object.values(model.parameters()));
  const neededBytes = weights.reduce((sum, tensor) => sum + tensor.nbytes, 0);
  const freeBytes = describeMachine().memory.free_bytes;
  if (neededBytes > freeBytes) {
    ui.say("convert/too-large-to-compare", { neededBytes, freeBytes, path: config.mlx_path });
    return undefined;
  }
  return measureDivergence(source, copy, rows);
}

function summaryOf(
  config: ConvertConfig,
  { quantized, dequantizedLayers, bytes, bitsPerWeight }: ConvertedModel,
  peakBytes: number,
  divergence: Divergence | undefined,
) {
  const quality = divergence && {
    tokens: divergence.source.tokens,
    source_perplexity: divergence.source.perplexity,
    source_standard_error: divergence.source.standardError,
    perplexity: divergence.copy.perplexity,
    standard_error: divergence.copy.standardError,
    kl: divergence.kl,
    top_agreement: divergence.topAgreement,
  };
  return {
    mlx_path: config.mlx_path,
    quantized_layers: quantized?.packed.length ?? 0,
    layers_as_they_were: quantized?.unfit ?? [],
    dequantized_layers: dequantizedLayers,
    bytes,
    bits_per_weight: bitsPerWeight,
    peak_memory: peakBytes,
    quality,
  };
}

function tellQuality({ source, copy, kl, topAgreement }: Divergence, text: string | undefined, ui: Ui): void {
  ui.say("convert/quality", {
    sourcePerplexity: source.perplexity,
    sourceError: source.standardError,
    copyPerplexity: copy.perplexity,
    copyError: copy.standardError,
    kl,
    agreement: topAgreement,
    tokens: source.tokens,
    text,
  });
}
