import { z } from "zod";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

const BenchCompareConfig = z.object({
  results: z.array(z.string()).min(1).register(fieldText, {
    en: "two files of cygnet bench serve --output: before and after",
    zh: "两个由 cygnet bench serve --output 保存的结果文件：之前与之后",
  }),
  html: z.string().optional().register(fieldText, {
    en: "save a page with charts, in one file",
    zh: "保存带图表的单文件网页报告",
  }),
});
export type BenchCompareConfig = z.output<typeof BenchCompareConfig>;

/** `cygnet bench compare`: two load tests side by side. */
export const benchCompare = command({
  config: BenchCompareConfig,
  positional: "results",
  run: async (config, ui) => (await import("../actions/bench-compare.ts")).benchCompare(config, ui),
});
