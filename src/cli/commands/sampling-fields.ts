import { z } from "zod";
import { fieldText } from "../../protocol/fields.ts";
import { jsonFlag } from "../values.ts";

const fraction = z.number().min(0).max(1);

/** How tokens are chosen: flags that generate and chat share. */
export const samplingFields = {
  temp: z.number().min(0).default(0).register(fieldText, {
    en: "temperature; 0 always takes the likeliest token",
    zh: "温度；0 表示总是选择概率最高的词元",
  }),
  top_p: fraction.default(1).register(fieldText, {
    en: "keep the likeliest tokens that together reach this probability",
    zh: "只保留累计概率达到该值的最可能词元",
  }),
  top_k: z.int().min(0).default(0).register(fieldText, {
    en: "keep this many of the likeliest tokens; 0: all",
    zh: "只保留概率最高的若干个词元；0 表示全部",
  }),
  min_p: fraction.default(0).register(fieldText, {
    en: "keep tokens at least this fraction as likely as the likeliest",
    zh: "只保留概率不低于最高概率该比例的词元",
  }),
  min_tokens_to_keep: z.int().min(1).default(1).register(fieldText, {
    en: "what --min-p keeps at least",
    zh: "--min-p 至少保留的词元数",
  }),
  xtc_probability: fraction.default(0).register(fieldText, {
    en: "how often all likely tokens but the least likely of them are left out, for variety",
    zh: "以该概率排除除最不可能者之外的高概率词元，以增加多样性",
  }),
  xtc_threshold: z.number().min(0).max(0.5).default(0.1).register(fieldText, {
    en: "with --xtc-probability: tokens at least this likely count as likely",
    zh: "配合 --xtc-probability：概率不低于该值的词元视为高概率词元",
  }),
  repetition_penalty: z.number().positive().optional().register(fieldText, {
    en: "divides the positive logits of recent tokens and multiplies the negative ones, such as 1.1",
    zh: "最近出现的词元的正 logit 除以该值、负 logit 乘以该值，例如 1.1",
  }),
  presence_penalty: z.number().optional().register(fieldText, {
    en: "taken from the logits of recent tokens",
    zh: "从最近出现的词元的 logit 中减去的值",
  }),
  frequency_penalty: z.number().optional().register(fieldText, {
    en: "taken from the logits of recent tokens, for each time that they occur",
    zh: "最近出现的词元每出现一次，从其 logit 中减去的值",
  }),
  penalty_context_size: z.int().min(1).default(20).register(fieldText, {
    en: "how many of the latest tokens the penalties look at",
    zh: "惩罚项所考虑的最近词元数",
  }),
  seed: z.int().min(0).optional().register(fieldText, {
    en: "random seed; the same seed gives the same text",
    zh: "随机种子；相同种子得到相同文本",
  }),
  logit_bias: jsonFlag(z.record(z.string().regex(/^\d+$/), z.number()))
    .optional()
    .register(fieldText, {
      en: 'JSON object, token id to what its logit gains, such as {"42": -100}',
      zh: 'JSON 对象：词元 id 到 logit 增量，例如 {"42": -100}',
    }),
};
export type SamplingConfig = z.output<z.ZodObject<typeof samplingFields>>;
