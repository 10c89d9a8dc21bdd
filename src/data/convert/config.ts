import { z } from "zod";
import { fieldText } from "../../protocol/fields.ts";

/** What `cygnet data convert` takes; `inputs` are its plain arguments. */
export const ConvertConfig = z.object({
  inputs: z.array(z.string()).min(1).register(fieldText, {
    en: "data files: a JSON array or JSON lines each",
    zh: "数据文件：每个文件为 JSON 数组或 JSONL",
  }),
  output: z.string().register(fieldText, {
    en: "folder to write train.jsonl and valid.jsonl to",
    zh: "输出目录，写入 train.jsonl 和 valid.jsonl",
  }),
  name: z.string().optional().register(fieldText, { en: "fills {{NAME}}", zh: "填入 {{NAME}}" }),
  author: z.string().optional().register(fieldText, { en: "fills {{AUTHOR}}", zh: "填入 {{AUTHOR}}" }),
  en_name: z.string().optional().register(fieldText, {
    en: "fills {{NAME}} in rows that are not Chinese, in place of --name",
    zh: "在非中文数据中代替 --name 填入 {{NAME}}",
  }),
  en_author: z.string().optional().register(fieldText, {
    en: "fills {{AUTHOR}} in rows that are not Chinese, in place of --author",
    zh: "在非中文数据中代替 --author 填入 {{AUTHOR}}",
  }),
  prompt_column: z.string().optional().register(fieldText, {
    en: "column of the question, where its name is not a known one; with --completion-column",
    zh: "提问所在的字段（字段名无法自动识别时使用，与 --completion-column 同用）",
  }),
  completion_column: z.string().optional().register(fieldText, {
    en: "column of the answer; with --prompt-column",
    zh: "回答所在的字段（与 --prompt-column 同用）",
  }),
  valid_fraction: z.number().min(0).max(0.9).default(0.1).register(fieldText, {
    en: "part of the rows that is kept for validation; 0 for none",
    zh: "留作验证的数据比例，0 表示不留",
  }),
  seed: z.int().default(0).register(fieldText, {
    en: "decides which rows are kept for validation",
    zh: "随机种子，决定哪些数据留作验证",
  }),
  shuffle: z.boolean().default(true).register(fieldText, {
    en: "shuffle; without, the first rows are for validation and the order stays",
    zh: "打乱顺序；不打乱时按原顺序取最前面的数据作验证",
  }),
  force: z.boolean().default(false).register(fieldText, {
    en: "replace the data that is in the output folder",
    zh: "替换输出目录中已有的数据",
  }),
});
export type ConvertConfig = z.infer<typeof ConvertConfig>;
