import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const FuseConfig = z.object({
  model: z.string().default("mlx_model").register(fieldText, {
    en: "folder of the base model, or ORG/NAME on a hub",
    zh: "基础模型文件夹，或平台上的 组织/名称",
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
  export_gguf: z.boolean().default(false).register(fieldText, {
    en: "write the merged model as GGUF too, as `cygnet export gguf` does",
    zh: "同时写出 GGUF 文件，与 cygnet export gguf 相同",
  }),
  gguf_path: z.string().default("ggml-model-f16.gguf").register(fieldText, {
    en: "that file, in --save-path",
    zh: "该文件的名称，位于 --save-path 中",
  }),
  force: z.boolean().default(false).register(fieldText, {
    en: "replace what is at --save-path",
    zh: "覆盖 --save-path 中已有的内容",
  }),
  ...hubFields,
});
export type FuseConfig = z.output<typeof FuseConfig>;

/** `cygnet fuse`: a model with an adapter becomes a plain model. */
export const fuse = command({
  config: FuseConfig,
  run: async (config, ui) => (await import("../actions/fuse.ts")).fuse(config, ui),
});
