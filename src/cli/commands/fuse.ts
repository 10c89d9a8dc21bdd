import { z } from "zod";
import { dequantizeLayers, fuseAdapters } from "../../convert/fuse.ts";
import { saveModel } from "../../convert/save-model.ts";
import type { DType } from "../../core/dtype.ts";
import type { Weights } from "../../core/safetensors.ts";
import { scope } from "../../core/scope.ts";
import { evaluate } from "../../core/transforms.ts";
import { loadModel, readModelConfig } from "../../models/load.ts";
import { fieldText } from "../../protocol/fields.ts";
import { loadAdapter } from "../../tuner/load-adapter.ts";
import { command } from "../command.ts";

const FuseConfig = z.object({
  model: z.string().default("mlx_model").register(fieldText, {
    en: "folder of the base model",
    zh: "基础模型文件夹",
  }),
  adapter_path: z.string().default("adapters").register(fieldText, {
    en: "folder of the training run whose adapter is merged",
    zh: "训练运行的文件夹，合并其中的适配器",
  }),
  save_path: z.string().default("fused_model").register(fieldText, {
    en: "folder to write the merged model to",
    zh: "合并后模型的保存文件夹",
  }),
  dequantize: z.boolean().default(false).register(fieldText, {
    en: "write a quantized model in floating point, which keeps all that was learnt",
    zh: "把量化模型写成浮点格式，完整保留学到的内容",
  }),
  force: z.boolean().default(false).register(fieldText, {
    en: "replace what is at --save-path",
    zh: "覆盖 --save-path 中已有的内容",
  }),
});

/** `cygnet fuse`: a model with an adapter becomes a plain model. */
export const fuse = command({
  config: FuseConfig,
  async run({ model: source, adapter_path, save_path: target, dequantize, force }, ui) {
    const config = readModelConfig(source);
    const model = loadModel(source, { dtype: "keep" });
    const dtypes = dtypesOf(model.parameters());
    loadAdapter(model, adapter_path);
    const layers = fuseAdapters(model, { dequantize });
    if (dequantize) dequantizeLayers(model);
    model.update(inDtypes(model.parameters(), dtypes));
    evaluate(model.parameters());
    const { quantization: _packed, quantization_config: _same, ...plain } = config;
    saveModel({ model, config: dequantize ? plain : config, source, target, force });
    ui.emit({ save_path: target, merged_layers: layers.length, dequantized: dequantize });
    ui.say("fuse/done", { path: target, layers: layers.length });
    if (config.quantization && !dequantize && layers.length > 0) ui.say("fuse/requantized", {});
  },
});

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
