import type { Quantization } from "../core/ops.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { ModelConfig } from "../models/load.ts";
import { Embedding } from "../nn/embedding.ts";
import { Linear } from "../nn/linear.ts";
import { isPackedLayer } from "../nn/packed-layer.ts";
import { QuantizedEmbedding, QuantizedLinear } from "../nn/quantized.ts";
import { QuantizedSwitchLinear, SwitchLinear } from "../nn/switch-linear.ts";
import { UserError } from "../protocol/user-error.ts";
import { plainLike } from "./fuse.ts";
import { PackedByRows } from "./packed-by-rows.ts";
import { chooserFor, matches, type QuantizationRequest } from "./quantization-request.ts";

type DenseLayer = Linear | Embedding | SwitchLinear;

/** What was done to a model's layers. */
export interface QuantizedLayers {
  /** Paths of the layers that are packed now. */
  packed: string[];
  /** Paths of those whose columns are no multiple of their group size. */
  unfit: string[];
  /** The `quantization` of the model's config. */
  quantization: NonNullable<ModelConfig["quantization"]>;
  /** The packed weights that are not to be computed all at once. */
  byRows: PackedByRows;
}

/**
 * Puts packed layers in the place of linear layers, embeddings and experts, as mlx-lm's `quantize_model` does: layers that
 * are packed already stay, layers that do not divide into groups too. Nothing is computed: the weights are when they are used.
 * @throws UserError when a rule matches no layer, or no layer can be packed.
 */
export function quantizeModel(
  model: LanguageModel,
  config: ModelConfig,
  request: QuantizationRequest,
): QuantizedLayers {
  const layers = [...model.modules()].filter((entry): entry is [string, DenseLayer] => isDense(entry[1]));
  requireRulesThatMatch(request, layers);
  const choose = chooserFor(model, request);
  const entries: Record<string, Quantization> = {};
  const packed: string[] = [];
  const unfit: string[] = [];
  const byRows = new PackedByRows();
  for (const [path, layer] of layers) {
    const choice = choose(path);
    if (choice === "skip") continue;
    const settings = choice === "default" ? request.settings : choice.own;
    if (layer.weight.dim(-1) % settings.group_size !== 0) {
      unfit.push(path);
      continue;
    }
    model.replace(path, packedLayer(layer, settings));
    if (!byRows.add(path, layer.weight, settings)) layer.weight.dispose();
    packed.push(path);
    if (choice !== "default" || config.quantization) entries[path] = settings;
  }
  if (packed.length === 0) throw nothingPacked(model, request);
  return { packed, unfit, byRows, quantization: { ...(config.quantization ?? request.settings), ...entries } };
}

/** Puts layers in floating point in the place of packed ones, to be computed when they are used; returns how many. */
export function dequantizeModel(model: LanguageModel): number {
  let count = 0;
  for (const [path, layer] of [...model.modules()]) {
    if (!isPackedLayer(layer)) continue;
    model.replace(path, plainLike(layer, layer.denseWeight()));
    for (const tensor of [layer.weight, layer.scales, layer.biases]) tensor?.dispose();
    count++;
  }
  return count;
}

/** What the layer at a path will be packed as, for those that are. */
export function plannedQuantization(
  model: LanguageModel,
  request: QuantizationRequest,
): (path: string) => Quantization | undefined {
  const choose = chooserFor(model, request);
  return (path) => {
    const layer = model.find(path);
    const choice = choose(path);
    if (!layer || !isDense(layer) || choice === "skip") return undefined;
    const settings = choice === "default" ? request.settings : choice.own;
    return layer.weight.dim(-1) % settings.group_size === 0 ? settings : undefined;
  };
}

function isDense(layer: unknown): layer is DenseLayer {
  return layer instanceof Linear || layer instanceof Embedding || layer instanceof SwitchLinear;
}

function packedLayer(layer: DenseLayer, settings: Quantization) {
  if (layer instanceof SwitchLinear) return QuantizedSwitchLinear.from(layer, settings);
  return layer instanceof Embedding ? QuantizedEmbedding.from(layer, settings) : QuantizedLinear.from(layer, settings);
}

function requireRulesThatMatch({ rules }: QuantizationRequest, layers: readonly [string, DenseLayer][]): void {
  const paths = layers.map(([path]) => path);
  const idle = rules.find((rule) => !paths.some((path) => matches(rule, path)));
  if (idle) throw new UserError("quantize/rule-without-layer", { text: idle.text, paths });
}

function nothingPacked(model: LanguageModel, { settings }: QuantizationRequest): UserError {
  const isPacked = [...model.modules()].some(([, layer]) => isPackedLayer(layer));
  if (isPacked) return new UserError("quantize/already", {});
  return new UserError("quantize/nothing", { group_size: settings.group_size });
}
