import { join } from "node:path";
import { dequantizeLayers, fuseAdapters } from "../../convert/fuse.ts";
import { exportGguf, requireOutput } from "../../convert/gguf/export-gguf.ts";
import { saveModel } from "../../convert/save-model.ts";
import { requireTarget } from "../../convert/target-folder.ts";
import type { DType } from "../../core/dtype.ts";
import type { Weights } from "../../core/safetensors.ts";
import { scope } from "../../core/scope.ts";
import { evaluate } from "../../core/transforms.ts";
import { loadModel, readModelConfig } from "../../models/load.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import type { FuseConfig } from "../commands/fuse.ts";
import { modelFolder } from "../model-folder.ts";
import type { Ui } from "../ui.ts";
import { version } from "../version.ts";

export async function fuse(settings: FuseConfig, ui: Ui): Promise<number> {
  const { adapter_path, save_path: target, dequantize, force } = settings;
  const source = await modelFolder(settings, ui);
  requireTarget({ source, target, force });
  if (settings.export_gguf) requireOutput(settings.gguf_path, true);
  const config = readModelConfig(source);
  const model = loadModel(source, { dtype: "keep" });
  const dtypes = dtypesOf(model.parameters());
  loadAdapter(model, adapter_path);
  const layers = fuseAdapters(model, { dequantize });
  if (dequantize) dequantizeLayers(model);
  model.update(inDtypes(model.parameters(), dtypes));
  evaluate(model.parameters());
  const { quantization: _packed, quantization_config: _same, ...plain } = config;
  const options = { model, config: dequantize ? plain : config, source, target, force };
  const isSaved = await ui.interruptible(async (signal) => {
    await saveModel({ ...options, signal });
    return true;
  });
  if (!isSaved) {
    ui.say("convert/stopped", { target });
    return 130;
  }
  const gguf = settings.export_gguf ? join(target, settings.gguf_path) : undefined;
  if (gguf !== undefined) {
    const shared = { source: target, name: settings.model, version: version() };
    await exportGguf({ ...shared, output: gguf, type: "f16", force: false });
  }
  ui.emit({ save_path: target, merged_layers: layers.length, dequantized: dequantize, gguf_path: gguf });
  ui.say("fuse/done", { path: target, layers: layers.length });
  if (config.quantization && !dequantize && layers.length > 0) ui.say("fuse/requantized", {});
  return 0;
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
