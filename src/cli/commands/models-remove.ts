import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const RemoveConfig = z.object({
  models: z.array(z.string()).min(1).register(fieldText, {
    en: "ORG/NAME of what to remove",
    zh: "要删除的 组织/名称",
  }),
  hub: hubFields.hub.unwrap().optional().register(fieldText, {
    en: "remove the copy of this hub only",
    zh: "只删除该平台的副本",
  }),
  yes: z.boolean().default(false).register(fieldText, { en: "do not ask", zh: "不再询问", short: "y" }),
});
export type RemoveConfig = z.output<typeof RemoveConfig>;

/** `cygnet models remove ORG/NAME...`: takes models and data sets out of the caches. */
export const modelsRemove = command({
  config: RemoveConfig,
  positional: "models",
  run: async (config, ui) => (await import("../actions/models-remove.ts")).modelsRemove(config, ui),
});
