import { z } from "zod";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";

export const DemoConfig = z.object({
  name: z.string().min(1).default("小鹅").register(fieldText, {
    en: "the name that the model learns",
    zh: "要教给模型的名字",
  }),
  author: z.string().min(1).default("天鹅湖实验室").register(fieldText, {
    en: "who it learns to have been made by",
    zh: "要教给模型的开发者",
  }),
  en_name: z.string().optional().register(fieldText, {
    en: "its name in English (default: little-swan, or --name if that is given)",
    zh: "英文名（默认 little-swan；给出 --name 时与其相同）",
  }),
  en_author: z.string().optional().register(fieldText, {
    en: "its maker in English (default: Swan Lake Lab, or --author if that is given)",
    zh: "英文的开发者（默认 Swan Lake Lab；给出 --author 时与其相同）",
  }),
  output: z.string().default("cygnet-demo").register(fieldText, {
    en: "folder for the data, the config and the adapter",
    zh: "保存数据、配置和适配器的文件夹",
  }),
});
export type DemoConfig = z.output<typeof DemoConfig>;

/** `cygnet demo`: the embedded model learns a new name; its answers before and after, and what it has not forgotten. */
export const demo = command({
  config: DemoConfig,
  run: async (config, ui) => (await import("../actions/demo.ts")).demo(config, ui),
});
