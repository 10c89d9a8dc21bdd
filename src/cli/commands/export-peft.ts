import { z } from "zod";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const ExportPeftConfig = z.object({
  adapter_path: z.string().default("adapters").register(fieldText, {
    en: "folder of the training run whose adapter is exported",
    zh: "训练运行的文件夹，导出其中的适配器",
  }),
  output: z.string().default("peft_adapter").register(fieldText, {
    en: "folder to write",
    zh: "输出文件夹",
  }),
  model: z.string().optional().register(fieldText, {
    en: "name of the base model for the programs that will read it, such as Qwen/Qwen3-0.6B; default: what the run was trained on",
    zh: "写入配置的基础模型名称，供读取方使用，例如 Qwen/Qwen3-0.6B；默认取训练时的模型",
  }),
  force: z.boolean().default(false).register(fieldText, {
    en: "replace an adapter that is at --output",
    zh: "覆盖 --output 中已有的适配器",
  }),
});
export type ExportPeftConfig = z.output<typeof ExportPeftConfig>;

/** `cygnet export peft`: an adapter for PEFT, vLLM and other programs that read its format. */
export const exportPeft = command({
  config: ExportPeftConfig,
  run: async (config, ui) => (await import("../actions/export-peft.ts")).exportPeft(config, ui),
});
