import { z } from "zod";
import { tasks } from "../../hub/recommendations.ts";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";
import { gigabytesExpected, gigabytesFlag } from "../values.ts";

const RecommendConfig = z.object({
  memory: gigabytesFlag().optional().register(fieldText, {
    en: "memory of the machine, such as 16GB; default: this one's",
    zh: "机器的内存，例如 16GB；默认为本机内存",
    expected: gigabytesExpected,
  }),
  task: z.enum(tasks).default("general").register(fieldText, {
    en: "what it is for",
    zh: "用途：通用、中文、代码、小模型",
  }),
  hub: hubFields.hub,
});
export type RecommendConfig = z.output<typeof RecommendConfig>;

/** `cygnet models recommend`: base models to tune that fit. */
export const modelsRecommend = command({
  config: RecommendConfig,
  run: async (config, ui) => (await import("../actions/models-recommend.ts")).modelsRecommend(config, ui),
});
