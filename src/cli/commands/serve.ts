import { z } from "zod";
import { hubFields } from "../../hub/settings.ts";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";
import { gigabytesExpected, gigabytesFlag, jsonFlag } from "../values.ts";

const fraction = z.number().min(0).max(1);

export const ServeConfig = z.object({
  model: z.string().optional().register(fieldText, {
    en: "model folder or ORG/NAME that answers requests which name none; others in the hub caches are loaded when they are named",
    zh: "请求未指定模型时使用的模型文件夹或 组织/名称；缓存中的其他模型在被请求时加载",
  }),
  ...hubFields,
  adapter_path: z.string().optional().register(fieldText, {
    en: "training run whose adapter answers by default; the model without it is named base",
    zh: "默认使用的训练运行（适配器）；不带适配器的模型名为 base",
  }),
  adapters: z.array(z.string()).default([]).register(fieldText, {
    en: "more training runs, or folders with runs in them; each is served as MODEL:RUN",
    zh: "更多训练运行或其上级文件夹；以 模型:运行名 的形式提供",
  }),
  host: z.string().default("127.0.0.1").register(fieldText, {
    en: "address to listen on; 0.0.0.0 lets other machines in",
    zh: "监听地址；0.0.0.0 允许其他机器访问",
  }),
  port: z.int().min(0).max(65_535).default(8080).register(fieldText, { en: "port; 0: any", zh: "端口；0 表示任意" }),
  api_key: z.string().optional().register(fieldText, {
    en: "key that clients must send; or CYGNET_API_KEY",
    zh: "客户端必须提供的密钥；也可用环境变量 CYGNET_API_KEY",
  }),
  allowed_origins: z.string().default("*").register(fieldText, {
    en: "web pages that may call, separated by commas",
    zh: "允许跨域访问的来源，用逗号分隔",
  }),
  temp: z.number().min(0).default(0).register(fieldText, {
    en: "temperature where a request gives none",
    zh: "请求未指定时的温度",
  }),
  top_p: fraction.default(1).register(fieldText, {
    en: "top_p where a request gives none",
    zh: "请求未指定时的 top_p",
  }),
  top_k: z.int().min(0).default(0).register(fieldText, {
    en: "top_k where a request gives none",
    zh: "请求未指定时的 top_k",
  }),
  min_p: fraction.default(0).register(fieldText, {
    en: "min_p where a request gives none",
    zh: "请求未指定时的 min_p",
  }),
  max_tokens: z.int().min(1).default(512).register(fieldText, {
    en: "most tokens of an answer where a request gives none",
    zh: "请求未指定时每次回答最多的词元数",
  }),
  chat_template_args: jsonFlag(z.record(z.string(), z.unknown())).optional().register(fieldText, {
    en: 'JSON object of template variables where a request gives none, such as {"enable_thinking": false}',
    zh: '请求未指定时传给对话模板的 JSON 变量，例如 {"enable_thinking": false}',
  }),
  dtype: z.enum(["float32", "float16", "bfloat16"]).optional().register(fieldText, {
    en: "compute in this type; default: the model's own, on a CPU bfloat16 for half precision",
    zh: "计算精度；默认与模型一致，半精度模型在 CPU 上为 bfloat16",
  }),
  decode_concurrency: z.int().min(1).default(64).register(fieldText, {
    en: "texts that are computed together",
    zh: "同时计算的文本数",
  }),
  prefill_step_size: z.int().min(1).default(512).register(fieldText, {
    en: "prompt tokens computed between two tokens of the other answers",
    zh: "每步计算的提示词元数，其间其他回答各生成一个词元",
  }),
  max_queue: z.int().min(0).default(512).register(fieldText, {
    en: "requests that may wait; beyond that clients are told to come back",
    zh: "允许排队的请求数；超出时提示客户端稍后重试",
  }),
  memory_limit: gigabytesFlag().optional().register(fieldText, {
    en: "memory for models and caches together, such as 16GB; default: what the machine allows",
    zh: "模型与缓存可用的内存总量，例如 16GB；默认由机器决定",
    expected: gigabytesExpected,
  }),
  prompt_cache_bytes: gigabytesFlag().optional().register(fieldText, {
    en: "memory for what is kept of earlier prompts and answers, at most half of the cache; default: 4GB",
    zh: "用于保留以往提示与回答的内存，最多为缓存的一半；默认 4GB",
    expected: gigabytesExpected,
  }),
  ttl: z.number().min(0).optional().register(fieldText, {
    en: "unload a model that was not used for so many seconds; default: never",
    zh: "模型闲置多少秒后卸载；默认不卸载",
  }),
});
export type ServeConfig = z.output<typeof ServeConfig>;

/** `cygnet serve`: answers of models and adapters over HTTP until it is interrupted. */
export const serve = command({
  config: ServeConfig,
  run: async (config, ui) => (await import("../actions/serve.ts")).serve(config, ui),
});
