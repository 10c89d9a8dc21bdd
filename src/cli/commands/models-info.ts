import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const InfoConfig = z.object({
  model: z.string().register(fieldText, {
    en: "model folder, or ORG/NAME on a hub",
    zh: "模型文件夹，或平台上的 组织/名称",
  }),
  ...hubFields,
});
export type InfoConfig = z.output<typeof InfoConfig>;

/** `cygnet models info MODEL`: what a model is, and whether this machine can run and train it. Weights are not downloaded. */
export const modelsInfo = command({
  config: InfoConfig,
  positional: "model",
  run: async (config, ui) => (await import("../actions/models-info.ts")).modelsInfo(config, ui),
});
