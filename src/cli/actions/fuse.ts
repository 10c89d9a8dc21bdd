import { join } from "node:path";
import { dequantizeLayers } from "../../convert/fuse.ts";
import { exportGguf, requireOutput } from "../../convert/gguf/export-gguf.ts";
import { type AdapterShare, mergeAdapters } from "../../convert/merge-adapters.ts";
import { saveModel } from "../../convert/save-model.ts";
import { requireTarget } from "../../convert/target-folder.ts";
import type { DType } from "../../core/dtype.ts";
import type { Quantization } from "../../core/ops.ts";
import type { Weights } from "../../core/safetensors.ts";
import { scope } from "../../core/scope.ts";
import { evaluate } from "../../core/transforms.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { loadModel, readModelConfig } from "../../models/load.ts";
import { isPackedLayer } from "../../nn/packed-layer.ts";
import { UserError } from "../../protocol/user-error.ts";
import type { FuseConfig } from "../commands/fuse.ts";
import { type FuseQuality, fuseQuality, fuseRows } from "../fuse-quality.ts";
import { modelFolder } from "../model-folder.ts";
import type { Ui } from "../ui.ts";
import { version } from "../version.ts";

/** Below this share of what an adapter gained the user is told how to keep more. */
const enoughKept = 0.9;

export async function fuse(settings: FuseConfig, ui: Ui): Promise<number> {
  const { save_path: target, force } = settings;
  const source = await modelFolder(settings, ui);
  requireTarget({ source, target, force });
  if (settings.export_gguf) requireOutput(settings.gguf_path, true);
  const shares = sharesOf(settings);
  const rows = settings.quality ? await fuseRows(source, settings, ui) : undefined;
  const { model, config, layers } = merged(source, shares, settings);
  const isSaved = await ui.interruptible(async (signal) => {
    await saveModel({ model, config, source, target, force, signal });
    return true;
  });
  model.dispose();
  if (!isSaved) {
    ui.say("convert/stopped", { target });
    return 130;
  }
  ui.say("fuse/done", { path: target, layers: layers.length });
  const gguf_path = settings.export_gguf ? join(target, settings.gguf_path) : undefined;
  if (gguf_path !== undefined) {
    const shared = { source: target, name: settings.model, version: version() };
    await exportGguf({ ...shared, output: gguf_path, type: "f16", force: false });
  }
  const isPlain = shares.length === 1 && settings.scale === 1;
  const quality = rows && (await fuseQuality(source, settings, rows, isPlain));
  const report = { save_path: target, merged_layers: layers.length, dequantized: settings.dequantize, gguf_path };
  ui.emit({ ...report, quality: summaryOf(quality) });
  const isPackedAgain = Boolean(config.quantization) && settings.touched_bits === undefined && layers.length > 0;
  if (quality) tellQuality(quality, isPackedAgain, ui);
  else if (settings.quality) ui.say("fuse/not-measured", { adapter: settings.adapter_path });
  if (!quality && isPackedAgain) ui.say("fuse/requantized", {});
  return 0;
}

/** The model with the adapters merged, its config, and the paths of the merged layers. */
function merged(source: string, shares: readonly AdapterShare[], settings: FuseConfig) {
  const { dequantize, merge_method: method, density, touched_bits: touchedBits } = settings;
  const config = readModelConfig(source);
  const { quantization, quantization_config: _same, ...plain } = config;
  const packing = dequantize ? undefined : quantization;
  if (touchedBits !== undefined && !packing) throw new UserError("fuse/touched-not-packed", { model: settings.model });
  const model = loadModel(source, { dtype: "keep" });
  const dtypes = dtypesOf(model.parameters());
  const layers = mergeAdapters(model, shares, { method, density, dequantize, touchedBits });
  if (dequantize) dequantizeLayers(model);
  model.update(inDtypes(model.parameters(), dtypes));
  evaluate(model.parameters());
  const others = touchedBits === undefined ? {} : packingOf(model, layers);
  return { model, layers, config: packing ? { ...config, quantization: { ...packing, ...others } } : plain };
}

function sharesOf({ adapter_path, scale, with_adapter }: FuseConfig): AdapterShare[] {
  const others = with_adapter.map((given) => {
    const [, folder, weight] = /^(.+?)(?:=([^=/]*))?$/.exec(given) ?? [];
    const share = { folder: folder ?? given, weight: Number(weight ?? 1) };
    if (weight === "" || !Number.isFinite(share.weight)) throw new UserError("fuse/bad-share", { given });
    return share;
  });
  return [{ folder: adapter_path, weight: scale }, ...others];
}

/** How the merged layers are packed now, by path. */
function packingOf(model: LanguageModel, paths: readonly string[]): Record<string, Quantization> {
  return Object.fromEntries(
    paths.flatMap((path) => {
      const layer = model.find(path);
      return layer && isPackedLayer(layer) ? [[path, layer.quantization]] : [];
    }),
  );
}

function summaryOf(quality: FuseQuality | undefined) {
  if (!quality) return undefined;
  const { losses, topAgreement, kept, ...rest } = quality;
  const { base, tuned, fused } = losses;
  return { ...rest, base_loss: base, tuned_loss: tuned, fused_loss: fused, top_agreement: topAgreement, kept };
}

function tellQuality(
  { data, tokens, losses, kl, topAgreement, kept }: FuseQuality,
  canKeepMore: boolean,
  ui: Ui,
): void {
  const { base, tuned, fused } = losses;
  const rows = [
    ...(tuned === undefined ? [] : [{ name: "tuned" as const, loss: tuned }]),
    { name: "base" as const, loss: base },
    { name: "fused" as const, loss: fused, kl, topAgreement },
  ];
  ui.say("fuse/quality", { tokens, data, rows, kept });
  if (canKeepMore && kept !== undefined && kept < enoughKept) ui.say("fuse/lost", { kept });
}

function dtypesOf(weights: Weights): Map<string, DType> {
  return new Map(Object.entries(weights).map(([path, tensor]) => [path, tensor.dtype]));
}

/** Weights trained in float32 go back to the type that the model stores them in. */
function inDtypes(weights: Weights, dtypes: ReadonlyMap<string, DType>): Weights {
  return scope(() =>
    Object.fromEntries(
      Object.entries(weights).flatMap(([path, tensor]) => {
        const dtype = dtypes.get(path);
        return dtype && dtype !== "uint32" && tensor.dtype !== "uint32" && dtype !== tensor.dtype
          ? [[path, tensor.astype(dtype)]]
          : [];
      }),
    ),
  );
}
