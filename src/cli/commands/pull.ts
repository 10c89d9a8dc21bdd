import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const PullConfig = z.object({
  model: z.string().register(fieldText, {
    en: "ORG/NAME on the hub, or ORG/NAME@REVISION",
    zh: "平台上的 组织/名称，或 组织/名称@版本",
  }),
  hub: hubFields.hub,
  revision: z.string().optional().register(fieldText, {
    en: "branch, tag or commit; default: the newest",
    zh: "分支、标签或提交；默认取最新",
  }),
  dataset: z.boolean().default(false).register(fieldText, {
    en: "it is a data set",
    zh: "下载的是数据集",
  }),
  include: z.array(z.string()).default([]).register(fieldText, {
    en: "download the files that match, such as '*.gguf', in place of those that are needed",
    zh: "只下载匹配的文件，例如 '*.gguf'，而不是默认所需的文件",
  }),
});
export type PullConfig = z.output<typeof PullConfig>;

/** `cygnet pull ORG/NAME`: a model or data set of a hub into the cache that its Python tool uses too. */
export const pull = command({
  config: PullConfig,
  positional: "model",
  run: async (config, ui) => (await import("../actions/pull.ts")).pull(config, ui),
});
