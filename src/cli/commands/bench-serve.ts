import { z } from "zod";
import { fieldText } from "../../protocol/fields.ts";
import { command } from "../command.ts";
import { jsonFlag } from "../values.ts";

const count = z.coerce.number<string>().int().min(1);

/** Flags of `evalscope perf` keep their names. */
const BenchServeConfig = z.object({
  url: z.string().default("http://127.0.0.1:8080/v1/chat/completions").register(fieldText, {
    en: "endpoint to test, or the server's address",
    zh: "要测试的接口或服务地址",
  }),
  model: z.string().optional().register(fieldText, {
    en: "model to ask; default: the first that the server names",
    zh: "请求的模型；默认为服务器列出的第一个模型",
  }),
  api: z.enum(["openai", "chat", "completions"]).default("openai").register(fieldText, {
    en: "endpoint; openai: the one that the URL names, else chat",
    zh: "接口类型；openai 表示由 URL 决定，否则为 chat",
  }),
  api_key: z.string().optional().register(fieldText, {
    en: "key of the server; or CYGNET_API_KEY",
    zh: "服务器的密钥；也可用环境变量 CYGNET_API_KEY",
  }),
  parallel: z.array(count).optional().register(fieldText, {
    en: "clients at a time, one level for each value; default: 1",
    zh: "并发客户端数，每个值为一级；默认 1",
  }),
  rate: z.array(z.coerce.number<string>().positive()).optional().register(fieldText, {
    en: "instead of clients that wait: requests a second, arriving at random (Poisson), one level for each value",
    zh: "不等待回答，按每秒请求数随机（泊松）到达，每个值为一级；与 --parallel 二选一",
  }),
  number: z.array(count).optional().register(fieldText, {
    en: "requests of each level, or of all; default: twice as many as clients, at least 10",
    zh: "每级的请求数，只给一个值则各级相同；默认为客户端数的两倍，至少 10",
    short: "n",
  }),
  warm_up: z.int().min(0).default(1).register(fieldText, {
    en: "requests before each level that do not count; as many as clients open all connections first",
    zh: "每级开始前不计入结果的预热请求数；与客户端数相同则可预先建立全部连接",
  }),
  dataset: z.enum(["random", "file"]).optional().register(fieldText, {
    en: "where prompts come from; default: random, or the file where there is one",
    zh: "提示来源；默认随机生成，指定了文件时取自文件",
  }),
  dataset_path: z.string().optional().register(fieldText, {
    en: "JSONL file of prompts: rows with messages, prompt or question",
    zh: "提示的 JSONL 文件：每行含 messages、prompt 或 question",
  }),
  min_prompt_length: z.int().min(1).optional().register(fieldText, {
    en: "fewest tokens of a random prompt, chat template included; default: 128, or the most if that is less",
    zh: "随机提示的最少词元数，含对话模板；默认 128，若上限更小则取上限",
  }),
  max_prompt_length: z.int().min(1).optional().register(fieldText, {
    en: "most tokens of a random prompt; default: the fewest",
    zh: "随机提示的最多词元数；默认与最少相同",
  }),
  prefix_length: z.int().min(0).default(0).register(fieldText, {
    en: "tokens that all random prompts begin with, beyond their length",
    zh: "所有随机提示共有的前缀词元数，不计入提示长度",
  }),
  tokenizer_path: z.string().optional().register(fieldText, {
    en: "model folder whose tokenizer makes prompts of exact length; default: the server's own count does",
    zh: "用于生成指定长度提示的模型文件夹（分词器）；默认依据服务器的词元计数",
  }),
  max_tokens: z.int().min(1).default(128).register(fieldText, {
    en: "most tokens of an answer",
    zh: "每个回答最多的词元数",
  }),
  min_tokens: z.int().min(0).optional().register(fieldText, {
    en: "fewest tokens of an answer, where the server knows this field",
    zh: "每个回答最少的词元数（需服务器支持）",
  }),
  temperature: z.number().min(0).optional().register(fieldText, { en: "temperature", zh: "温度" }),
  extra_args: jsonFlag(z.record(z.string(), z.unknown())).optional().register(fieldText, {
    en: 'further fields of each request as JSON, such as {"ignore_eos": true}',
    zh: '附加到每个请求的 JSON 字段，例如 {"ignore_eos": true}',
  }),
  stream: z.boolean().default(true).register(fieldText, {
    en: "stream the answers",
    zh: "流式返回回答",
  }),
  seed: z.int().min(0).optional().register(fieldText, {
    en: "decides prompts and arrivals; default: another each time, since a server may keep what it computed for prompts it knows",
    zh: "决定随机提示与到达时间的种子；默认每次不同，因为服务器可能缓存已计算过的提示",
  }),
  connect_timeout: z.number().positive().default(10).register(fieldText, {
    en: "seconds to connect",
    zh: "连接超时（秒）",
  }),
  total_timeout: z.number().positive().default(600).register(fieldText, {
    en: "seconds that one answer may take",
    zh: "单个回答的总超时（秒）",
  }),
  name: z.string().optional().register(fieldText, {
    en: "name of the run, shown in its results; default: the model",
    zh: "本次运行的名称，显示在结果中；默认为模型名",
  }),
  output: z.string().optional().register(fieldText, {
    en: "save all figures and every request as JSON, for cygnet bench compare",
    zh: "将全部指标与每个请求保存为 JSON，供 cygnet bench compare 使用",
  }),
  html: z.string().optional().register(fieldText, {
    en: "save a page with charts, in one file",
    zh: "保存带图表的单文件网页报告",
  }),
});
export type BenchServeConfig = z.output<typeof BenchServeConfig>;

/** `cygnet bench serve`: load test of an OpenAI-compatible server. */
export const benchServe = command({
  config: BenchServeConfig,
  run: async (config, ui) => (await import("../actions/bench-serve.ts")).benchServe(config, ui),
});
